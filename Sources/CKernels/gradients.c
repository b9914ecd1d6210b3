#include "include/gradients.h"

#include "clones.h"

#define INLINE static inline __attribute__((always_inline))

/* The derivatives dy/dx and dy/dz of y = x op z. */
INLINE float left_slope(snug_binary op, float x, float z) {
  (void)x;
  switch (op) {
    case snug_add: return 1;
    case snug_subtract: return 1;
    case snug_multiply: return z;
    case snug_divide: return 1 / z;
  }
  return 0;
}

INLINE float right_slope(snug_binary op, float x, float z) {
  switch (op) {
    case snug_add: return 1;
    case snug_subtract: return -1;
    case snug_multiply: return x;
    case snug_divide: return -x / (z * z);
  }
  return 0;
}

/* The derivatives by data x and by parameter p, where y = x op p, or p op x where reversed. */
INLINE float data_slope(snug_binary op, int reversed, float x, float p) {
  return reversed ? right_slope(op, p, x) : left_slope(op, x, p);
}

INLINE float parameter_slope(snug_binary op, int reversed, float x, float p) {
  return reversed ? left_slope(op, p, x) : right_slope(op, x, p);
}

/* One loop for each operation, so that each vectorizes. */
#define FOR_EACH_OPERATION(LOOP)            \
  switch (op) {                             \
    case snug_add: LOOP(snug_add) break;            \
    case snug_subtract: LOOP(snug_subtract) break;  \
    case snug_multiply: LOOP(snug_multiply) break;  \
    case snug_divide: LOOP(snug_divide) break;      \
  }

SNUG_CLONES void snug_binary_gradient(snug_binary op, const float *x, const float *z,
                                      const float *g, float *dx, float *dz, size_t n) {
#define LOOP(o)                                                          \
  if (dx) {                                                              \
    SNUG_INDEPENDENT                                                     \
    for (size_t i = 0; i < n; i++) dx[i] = g[i] * left_slope(o, x[i], z[i]);  \
  }                                                                      \
  if (dz) {                                                              \
    SNUG_INDEPENDENT                                                     \
    for (size_t i = 0; i < n; i++) dz[i] = g[i] * right_slope(o, x[i], z[i]); \
  }
  FOR_EACH_OPERATION(LOOP)
#undef LOOP
}

void snug_binary_gradient_sums(snug_binary op, const float *x, size_t step_x, const float *z,
                               size_t step_z, const float *g, double *dx, double *dz, size_t n) {
  for (size_t i = 0; i < n; i++) {
    float a = x[i * step_x], b = z[i * step_z];
    if (dx) dx[i * step_x] += (double)(g[i] * left_slope(op, a, b));
    if (dz) dz[i * step_z] += (double)(g[i] * right_slope(op, a, b));
  }
}

/* The number of lanes in which sums are taken, the same on every CPU, so that all give the same bits. */
#define LANES 8

SNUG_CLONES double snug_binary_gradient_row(snug_binary op, int reversed, const float *x, float p,
                                            const float *g, float *dx, size_t n) {
  double sums[LANES] = {0};
  size_t i = 0;
#define LOOP(o)                                                                         \
  if (dx) {                                                                             \
    SNUG_INDEPENDENT                                                                    \
    for (size_t j = 0; j < n; j++) dx[j] = g[j] * data_slope(o, reversed, x[j], p);      \
  }                                                                                     \
  for (; i + LANES <= n; i += LANES)                                                    \
    for (size_t k = 0; k < LANES; k++)                                                  \
      sums[k] += (double)(g[i + k] * parameter_slope(o, reversed, x[i + k], p));         \
  for (; i < n; i++) sums[0] += (double)(g[i] * parameter_slope(o, reversed, x[i], p));
  FOR_EACH_OPERATION(LOOP)
#undef LOOP
  double sum = 0;
  for (size_t k = 0; k < LANES; k++) sum += sums[k];
  return sum;
}

SNUG_CLONES void snug_binary_gradient_rows(snug_binary op, int reversed, const float *x,
                                           const float *p, const float *g, float *dx, double *dp,
                                           size_t rows, size_t width) {
  for (size_t r = 0; r < rows; r++) {
    size_t at = r * width;
#define LOOP(o)                                                                          \
  for (size_t j = 0; j < width; j++)                                                     \
    dp[j] += (double)(g[at + j] * parameter_slope(o, reversed, x[at + j], p[j]));         \
  if (dx) {                                                                              \
    SNUG_INDEPENDENT                                                                     \
    for (size_t j = 0; j < width; j++)                                                   \
      dx[at + j] = g[at + j] * data_slope(o, reversed, x[at + j], p[j]);                  \
  }
    FOR_EACH_OPERATION(LOOP)
#undef LOOP
  }
}
