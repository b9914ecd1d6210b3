#include "include/elementwise.h"

#include "clones.h"

/* NaN stays, as it is neither below nor above 0. */
static inline __attribute__((always_inline)) float rectified(float v) { return v <= 0 ? 0 : v; }

/* A slope that isn't 0, with which an infinity would have no product. */
static inline __attribute__((always_inline)) float sloped(float v, float slope) {
  return v > 0 ? v : v * slope;
}

/* One loop for each kind of slope, so that none is looked at for each element. */
#define FOR_EACH_SLOPE(LOOP)      \
  if (slope == 1) {               \
    LOOP(v)                       \
  } else if (slope == 0) {        \
    LOOP(rectified(v))            \
  } else {                        \
    LOOP(sloped(v, slope))        \
  }

SNUG_CLONES void snug_rectify(const float *x, float *y, size_t n) {
  SNUG_INDEPENDENT
  for (size_t i = 0; i < n; i++) y[i] = rectified(x[i]);
}

SNUG_CLONES void snug_clip(const float *x, float *y, size_t n, float low, float high) {
  SNUG_INDEPENDENT
  for (size_t i = 0; i < n; i++) {
    /* In this order NaN passes both comparisons unchanged. */
    float v = x[i] < low ? low : x[i];
    y[i] = v > high ? high : v;
  }
}

SNUG_CLONES int snug_all_below_infinity(const float *x, size_t n) {
  int others = 0;
  for (size_t i = 0; i < n; i++) others |= !(x[i] < __builtin_inff());
  return !others;
}

SNUG_CLONES void snug_affine(const float *x, float *y, size_t n, float a, float b, float slope) {
#define LOOP(result)                 \
  SNUG_INDEPENDENT                   \
  for (size_t i = 0; i < n; i++) {   \
    float v = x[i] * a + b;          \
    y[i] = result;                   \
  }
  FOR_EACH_SLOPE(LOOP)
#undef LOOP
}

SNUG_CLONES void snug_affine_rows(const float *x, float *y, size_t rows, size_t width,
                                  const float *a, const float *b, float slope) {
#define LOOP(result)                                            \
  for (size_t r = 0; r < rows; r++, x += width, y += width) {   \
    SNUG_INDEPENDENT                                            \
    for (size_t j = 0; j < width; j++) {                        \
      float v = x[j] * a[j] + b[j];                             \
      y[j] = result;                                            \
    }                                                           \
  }
  FOR_EACH_SLOPE(LOOP)
#undef LOOP
}

/* One loop for each operation and kind of operand, so that each vectorizes. */
#define FOR_EACH_OPERATION(LOOP)     \
  switch (op) {                      \
    case snug_add: LOOP(+) break;        \
    case snug_subtract: LOOP(-) break;   \
    case snug_multiply: LOOP(*) break;   \
    case snug_divide: LOOP(/) break;     \
  }

SNUG_CLONES void snug_binary_row(snug_binary op, const float *x, size_t step_x, const float *z,
                                 size_t step_z, float *y, size_t n) {
  if (n == 0) return;
  float first_x = x[0], first_z = z[0];
#define LOOP(o)                                                    \
  if (step_x != 0 && step_z != 0) {                                \
    SNUG_INDEPENDENT \
    for (size_t i = 0; i < n; i++) y[i] = x[i] o z[i];             \
  } else if (step_x != 0) {                                        \
    SNUG_INDEPENDENT \
    for (size_t i = 0; i < n; i++) y[i] = x[i] o first_z;          \
  } else {                                                         \
    SNUG_INDEPENDENT \
    for (size_t i = 0; i < n; i++) y[i] = first_x o z[i];          \
  }
  FOR_EACH_OPERATION(LOOP)
#undef LOOP
}

SNUG_CLONES void snug_binary_rows(snug_binary op, int reversed, const float *x, const float *p,
                                  float *y, size_t rows, size_t width) {
  for (size_t r = 0; r < rows; r++, x += width, y += width) {
#define LOOP(o)                                                    \
  if (reversed) {                                                  \
    SNUG_INDEPENDENT \
    for (size_t j = 0; j < width; j++) y[j] = p[j] o x[j];         \
  } else {                                                         \
    SNUG_INDEPENDENT \
    for (size_t j = 0; j < width; j++) y[j] = x[j] o p[j];         \
  }
    FOR_EACH_OPERATION(LOOP)
#undef LOOP
  }
}
