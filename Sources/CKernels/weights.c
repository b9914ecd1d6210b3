#include "include/weights.h"

#include <math.h>

#include "clones.h"
#include "lanes.h"

/* Rows are taken in blocks whose temporaries stay in the first-level cache. */
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
  double8 sum = {0};
  float8 largest = {0};
  size_t whole = n - n % SNUG_LANE_COUNT;
  for (size_t i = 0; i < whole; i += SNUG_LANE_COUNT) {
    float8 x;
    memcpy(&x, w + i, sizeof x);
    largest = __builtin_elementwise_max(largest, __builtin_elementwise_abs(x));
    sum += __builtin_convertvector(__builtin_elementwise_abs(x + centre), double8);
  }
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

static inline float sign(float v) { return (float)((v > 0) - (v < 0)); }

SNUG_CLONES snug_row_gradient_sums snug_row_gradient_reduce(const float *w, const float *upstream,
                                                            size_t n, snug_row_map map) {
  double8 passed = {0}, passed_y = {0}, codes = {0};
  int64_t signs = 0;
  for (size_t start = 0; start < n; start += SNUG_LANE_COUNT) {
    float8 h = {0}, hy = {0}, gq = {0};
    size_t count = n - start < SNUG_LANE_COUNT ? n - start : SNUG_LANE_COUNT;
    for (size_t i = 0; i < count; i++) {
      float centred = w[start + i] + map.centre;
      float y = centred / map.pre_scale + map.offset;
      float q = truncf(y);
      float inside = fabsf(q) <= map.limit ? 1.0f : 0.0f;
      h[i] = upstream[start + i] * map.scale * inside;
      hy[i] = h[i] * y;
      gq[i] = upstream[start + i] * clip(q, map.limit);
      signs += (centred > 0) - (centred < 0);
    }
    passed += __builtin_convertvector(h, double8);
    passed_y += __builtin_convertvector(hy, double8);
    codes += __builtin_convertvector(gq, double8);
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
    gradient[i] = upstream[i] * inside + sign(centred) * norm_gradient - mean;
  }
}

SNUG_CLONES double snug_row_nearest_gradient(const float *w, const float *upstream, size_t n,
                                             snug_row_map map, float *gradient) {
  double8 scale = {0};
  for (size_t start = 0; start < n; start += SNUG_LANE_COUNT) {
    float8 terms = {0};
    size_t count = n - start < SNUG_LANE_COUNT ? n - start : SNUG_LANE_COUNT;
    for (size_t i = 0; i < count; i++) {
      float g = upstream[start + i];
      float y = (w[start + i] + map.centre) / map.pre_scale + map.offset;
      float q = rintf(y);
      int inside = fabsf(q) <= map.limit;
      gradient[start + i] = inside ? g : 0.0f;
      terms[i] = g * (inside ? q - y : clip(q, map.limit));
    }
    scale += __builtin_convertvector(terms, double8);
  }
  return SNUG_TOTAL(scale);
}
