#include "clones.h"
#include "kernels.h"

const char *snug_kernel_level(void) {
#if defined(__x86_64__) && defined(__linux__) && !SNUG_TSAN
  __builtin_cpu_init();
  if (__builtin_cpu_supports("x86-64-v4")) return "x86-64-v4";
  if (__builtin_cpu_supports("x86-64-v3")) return "x86-64-v3";
#endif
  return "default";
}
