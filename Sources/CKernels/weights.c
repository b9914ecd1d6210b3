#include "include/weights.h"

#include <math.h>

#include "clones.h"
#include "lanes.h"

/* Rows are processed in blocks whose temporaries stay in the first-level cache. */
enum { block = 512 };

SNUG_CLONES double snug_row_sum(const float *w, size_t n) {
  double8 even = {0}, odd = {0};
  for (size_t i = 0; i < n; i += 2 * SNUG_LANE_COUNT) {
    float8 x;
    SNUG_LOAD(x, w, i, n);
    even += __builtin_convertvector(x, double8);
    if (i + SNUG_LANE_COUNT >= n) break;
    SNUG_LOAD(x, w, i + SNUG_LANE_COUNT, n);
    odd += __builtin_convertvector(x, double8);
  }
  double8 sum = even + odd;
  return SNUG_TOTAL(sum);
}

SNUG_CLONES snug_row_norm snug_row_absolute(const float *w, size_t n, float centre) {
  double8 even = {0}, odd = {0};
  float8 largest = {0};
  size_t whole = n - n % (2 * SNUG_LANE_COUNT);
  for (size_t i = 0; i < whole; i += 2 * SNUG_LANE_COUNT) {
    float8 x, y;
    memcpy(&x, w + i, sizeof x);
    memcpy(&y, w + i + SNUG_LANE_COUNT, sizeof y);
    largest = __builtin_elementwise_max(largest, __builtin_elementwise_abs(x));
    largest = __builtin_elementwise_max(largest, __builtin_elementwise_abs(y));
    even += __builtin_convertvector(__builtin_elementwise_abs(x + centre), double8);
    odd += __builtin_convertvector(__builtin_elementwise_abs(y + centre), double8);
  }
  double8 sum = even + odd;
  snug_row_norm norm = {SNUG_TOTAL(sum), 0};
  for (int lane = 0; lane < SNUG_LANE_COUNT; lane++) {
    norm.largest = fmaxf(norm.largest, largest[lane]);
  }
  for (size_t i = whole; i < n; i++) {
    norm.largest = fmaxf(norm.largest, fabsf(w[i]));
    norm.sum += fabsf(w[i] + centre);
  }
  return norm;
}

static inline float clip(float v, float limit) {
  /* In this order NaN becomes -limit, so that the conversion to an integer is defined. */
  v = v > -limit ? v : -limit;
  return v < limit ? v : limit;
}

static inline __attribute__((always_inline)) snug_row_sums quantize(
    const float *w, size_t n, snug_row_map map, int nearest, int8_t *codes, float *values) {
  snug_row_sums sums = {0, 0};
  int32_t q[block];
  for (size_t start = 0; start < n; start += block) {
    size_t count = n - start < block ? n - start : block;
    const float *row = w + start;
    for (size_t i = 0; i < count; i++) {
      float y = (row[i] + map.centre) / map.pre_scale + map.offset;
      q[i] = (int32_t)clip(nearest ? rintf(y) : truncf(y), map.limit);
    }
        int32_t positive = 0, total = 0;
    for (size_t i = 0; i < count; i++) {
      positive += q[i] > 0 ? q[i] : 0;
      total += q[i];
    }
    sums.positive += positive;
    sums.negative += positive - total;
    if (codes) {
      for (size_t i = 0; i < count; i++) codes[start + i] = (int8_t)q[i];
    }
    if (values) {
      for (size_t i = 0; i < count; i++) values[start + i] = (float)q[i] * map.scale;
    }
  }
  return sums;
}

SNUG_CLONES snug_row_sums snug_row_toward_zero(const float *w, size_t n, snug_row_map map,
                                               int8_t *codes, float *values) {
  return quantize(w, n, map, 0, codes, values);
}

SNUG_CLONES snug_row_sums snug_row_to_nearest(const float *w, size_t n, snug_row_map map,
                                              int8_t *codes, float *values) {
  return quantize(w, n, map, 1, codes, values);
}

/* Eight elements of a quantized row: y, its rounding, and all ones where that was not clipped. */
typedef struct {
  float8 centred, y, q;
  int8 inside;
} row_lanes;

static inline __attribute__((always_inline)) row_lanes lanes(const float8 *w, snug_row_map map,
                                                             int nearest) {
  row_lanes l;
  l.centred = *w + map.centre;
  l.y = l.centred / map.pre_scale + map.offset;
  l.q = nearest ? __builtin_elementwise_rint(l.y) : __builtin_elementwise_trunc(l.y);
  l.inside = __builtin_elementwise_abs(l.q) <= map.limit;
  float8 limit = map.limit - (float8){0};
  l.q = __builtin_elementwise_max(__builtin_elementwise_min(l.q, limit), -limit);
  return l;
}

/* v where the mask is set, else 0. */
#define MASKED(v, mask) ((float8)((int8)(v) & (mask)))

SNUG_CLONES snug_row_gradient_sums snug_row_gradient_reduce(const float *w, const float *upstream,
                                                            size_t n, snug_row_map map) {
  double8 passed = {0}, passed_y = {0}, codes = {0};
  int64_t signs = 0;
  for (size_t start = 0; start < n; start += block) {
    size_t end = n - start < block ? n : start + block;
    int8 sign = {0};
    for (size_t i = start; i < end; i += SNUG_LANE_COUNT) {
      /* A missing weight lies at the centre, so that it has no sign. */
      float8 x = {0}, g;
      if (i + SNUG_LANE_COUNT > end) x -= map.centre;
      SNUG_LOAD_OVER(x, w, i, end);
      SNUG_LOAD(g, upstream, i, end);
      row_lanes l = lanes(&x, map, 0);
      float8 h = MASKED(g * map.scale, l.inside);
      passed += __builtin_convertvector(h, double8);
      passed_y += __builtin_convertvector(h * l.y, double8);
      codes += __builtin_convertvector(g * l.q, double8);
      sign += (l.centred < 0) - (l.centred > 0);
    }
    for (int lane = 0; lane < SNUG_LANE_COUNT; lane++) signs += sign[lane];
  }
  snug_row_gradient_sums sums = {SNUG_TOTAL(passed), SNUG_TOTAL(passed_y), SNUG_TOTAL(codes),
                                 (double)signs};
  return sums;
}

SNUG_CLONES void snug_row_gradient(const float *w, const float *upstream, size_t n,
                                   snug_row_map map, float norm_gradient, float mean,
                                   float *gradient) {
  float factor = map.scale / map.pre_scale;
  for (size_t i = 0; i < n; i++) {
    float centred = w[i] + map.centre;
    float q = truncf(centred / map.pre_scale + map.offset);
    float inside = fabsf(q) <= map.limit ? factor : 0.0f;
    float sign = (float)((centred > 0) - (centred < 0));
    gradient[i] = upstream[i] * inside + sign * norm_gradient - mean;
  }
}

SNUG_CLONES double snug_row_nearest_gradient(const float *w, const float *upstream, size_t n,
                                             snug_row_map map, float *gradient) {
  double8 scale = {0};
  for (size_t i = 0; i < n; i += SNUG_LANE_COUNT) {
    float8 x, g;
    SNUG_LOAD(x, w, i, n);
    SNUG_LOAD(g, upstream, i, n);
    row_lanes l = lanes(&x, map, 1);
    float8 passed = MASKED(g, l.inside);
    scale += __builtin_convertvector(g * (l.q - MASKED(l.y, l.inside)), double8);
    size_t count = n - i < SNUG_LANE_COUNT ? n - i : SNUG_LANE_COUNT;
    memcpy(gradient + i, &passed, count * sizeof(float));
  }
  return SNUG_TOTAL(scale);
}

SNUG_CLONES snug_row_fit_sums snug_row_fit(const float *w, const float *values,
                                           const float *importance, size_t n) {
  double8 error = {0}, product = {0}, square = {0};
  for (size_t i = 0; i < n; i += SNUG_LANE_COUNT) {
    float8 lanes;
    SNUG_LOAD(lanes, w, i, n);
    double8 x = __builtin_convertvector(lanes, double8);
    SNUG_LOAD(lanes, values, i, n);
    double8 y = __builtin_convertvector(lanes, double8);
    double8 h = y;
    double8 difference = y - x;
    double8 weighted = difference;
    if (importance) {
      SNUG_LOAD(lanes, importance, i, n);
      double8 factor = __builtin_convertvector(lanes, double8);
      h *= factor;
      weighted *= factor;
    }
    error += weighted * difference;
    product += h * x;
    square += h * y;
  }
  snug_row_fit_sums sums = {SNUG_TOTAL(error), SNUG_TOTAL(product), SNUG_TOTAL(square)};
  return sums;
}

SNUG_CLONES double snug_code_error(const int8_t *codes, float scale, const float *w, size_t n) {
  double8 sum = {0};
  for (size_t i = 0; i < n; i += SNUG_LANE_COUNT) {
    char8 code;
    float8 x;
    SNUG_LOAD(code, codes, i, n);
    SNUG_LOAD(x, w, i, n);
    double8 value = __builtin_convertvector(code, double8) * (double)scale;
    double8 rest = value - __builtin_convertvector(x, double8);
    sum += rest * rest;
  }
  return SNUG_TOTAL(sum);
}
