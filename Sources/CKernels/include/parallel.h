#ifndef SNUG_PARALLEL_H
#define SNUG_PARALLEL_H

/* Calls body for each part from 0 to parts - 1 on at most `threads` threads, and returns when all calls have
   ended. Part i runs on thread i modulo the number of threads. */
void snug_parallel(int threads, int parts, void *context, void (*body)(void *context, int part));

#endif
