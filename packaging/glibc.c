/* Functions of the C library under the version that older Linux has too. Those of glibc 2.35 differ in what they do on errors
   of their arguments alone. The linker gives every call of `hypot` to `__wrap_hypot`. */
#if defined(__x86_64__)
#define OLDEST "GLIBC_2.2.5"
#else
#define OLDEST "GLIBC_2.17"
#endif

double old_hypot(double x, double y);
float old_hypotf(float x, float y);
double __wrap_hypot(double x, double y);
float __wrap_hypotf(float x, float y);

__asm__(".symver old_hypot, hypot@" OLDEST);
__asm__(".symver old_hypotf, hypotf@" OLDEST);

double __wrap_hypot(double x, double y) { return old_hypot(x, y); }

float __wrap_hypotf(float x, float y) { return old_hypotf(x, y); }
