#define _GNU_SOURCE
#include "kernels.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/resource.h>

/* The address space that a computing thread reserves, hardly any of which it touches: its stack, its part of
   the allocator, and a buffer of 128 MiB for OpenBLAS, which tries without end where it cannot have it. */
#define RESERVED_BY_THREAD ((rlim_t)256 << 20)

typedef struct {
  pthread_mutex_t lock;
  pthread_cond_t ended;
  int is_ended;
} trial;

static void *wait_for_end(void *argument) {
  trial *t = argument;
  pthread_mutex_lock(&t->lock);
  while (!t->is_ended) pthread_cond_wait(&t->ended, &t->lock);
  pthread_mutex_unlock(&t->lock);
  return NULL;
}

int snug_affordable_threads(int wanted) {
  struct rlimit space;
  if (getrlimit(RLIMIT_AS, &space) == 0 && space.rlim_cur != RLIM_INFINITY) {
    rlim_t affordable = space.rlim_cur / 2 / RESERVED_BY_THREAD;
    if (affordable < (rlim_t)wanted) wanted = affordable > 1 ? (int)affordable : 1;
  }
  if (wanted <= 1) return 1;
  pthread_t *threads = malloc(sizeof *threads * (size_t)wanted);
  if (threads == NULL) return 1;
  trial t = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0};
  int started = 0;
  while (started < wanted - 1 &&
         pthread_create(&threads[started], NULL, wait_for_end, &t) == 0)
    started += 1;
  pthread_mutex_lock(&t.lock);
  t.is_ended = 1;
  pthread_cond_broadcast(&t.ended);
  pthread_mutex_unlock(&t.lock);
  for (int i = 0; i < started; i++) pthread_join(threads[i], NULL);
  free(threads);
  /* Where not all threads could be started, other parts of the process need some of the rest. */
  return started == wanted - 1 ? wanted : 1 + started / 2;
}
