#ifndef SNUG_CLONES_H
#define SNUG_CLONES_H

/* Compiles a function for several CPUs; the loader picks the best clone that the machine can run. Every clone
   gives the same bits: nothing is contracted to fused multiply-add, and floating-point reductions use a fixed
   number of lanes. */
#if defined(__has_feature)
#define SNUG_TSAN __has_feature(thread_sanitizer)
#else
#define SNUG_TSAN 0
#endif
/* The loader picks before the thread sanitizer is ready for the code that does. */
#if defined(__x86_64__) && defined(__linux__) && !SNUG_TSAN
#define SNUG_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define SNUG_CLONES
#endif

#pragma STDC FP_CONTRACT OFF

/* For a loop whose input and output may be the same memory but do not overlap otherwise. */
#define SNUG_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")

#endif
