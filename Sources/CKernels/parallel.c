#include "include/parallel.h"

#include <stddef.h>

/* libgomp's entry points, which a compiler emits for `#pragma omp parallel` (libgomp's manual, section "The
   libgomp ABI"). They are called by name, so that this and oneDNN share one pool of threads: two pools on the
   same cores would wait for each other by spinning. */
void GOMP_parallel(void (*body)(void *), void *context, unsigned threads, unsigned flags);
int omp_get_thread_num(void);
int omp_get_num_threads(void);

typedef struct {
  int parts;
  void (*body)(void *context, int part);
  void *context;
} work;

static void run_share(void *argument) {
  const work *w = argument;
  /* Inside another parallel region there is one thread, whatever number was requested. */
  int threads = omp_get_num_threads();
  for (int part = omp_get_thread_num(); part < w->parts; part += threads) w->body(w->context, part);
}

void snug_parallel(int threads, int parts, void *context, void (*body)(void *context, int part)) {
  work w = {parts, body, context};
  GOMP_parallel(run_share, &w, (unsigned)threads, 0);
}
