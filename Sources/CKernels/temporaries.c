#define _GNU_SOURCE
#include "temporaries.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum { SLOTS = 64 };

static _Atomic(char *) paths[SLOTS];
/* The number of threads that have asked whether the process is ending and have not yet made their file. */
static atomic_int making;
static atomic_int ending;

static int remember(const char *path) {
  char *copy = strdup(path);
  if (!copy) return -1;
  for (int slot = 0; slot < SLOTS; slot++) {
    char *none = NULL;
    if (atomic_compare_exchange_strong(&paths[slot], &none, copy)) return slot;
  }
  free(copy);
  return -1;
}

int snug_make_temporary(const char *path, int *slot) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  atomic_fetch_add(&making, 1);
  while (atomic_load(&ending)) {
    /* The handler runs in another thread and ends the process; it does not wait for this one. */
    atomic_fetch_sub(&making, 1);
    for (;;) pause();
  }
  *slot = remember(path);
  int descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  int code = errno;
  if (descriptor < 0 && *slot >= 0) {
    snug_forget_temporary(*slot);
    *slot = -1;
  }
  atomic_fetch_sub(&making, 1);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  errno = code;
  return descriptor;
}

void snug_forget_temporary(int slot) {
  if (slot >= 0) free(atomic_exchange(&paths[slot], NULL));
}

void snug_remove_temporaries(void) {
  int code = errno;
  atomic_store(&ending, 1);
  /* The interrupted thread is not among those that make a file, since they have signals blocked. */
  while (atomic_load(&making) > 0) {
  }
  for (int slot = 0; slot < SLOTS; slot++) {
    /* The one that takes the path out of its slot owns it; memory cannot be freed in a handler. */
    char *path = atomic_exchange(&paths[slot], NULL);
    if (path) unlink(path);
  }
  errno = code;
}

int snug_lock_file(int descriptor, int wait) {
  int result;
  do result = flock(descriptor, LOCK_EX | (wait ? 0 : LOCK_NB));
  while (result != 0 && errno == EINTR);
  return result;
}
