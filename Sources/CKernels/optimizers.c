#include "include/optimizers.h"

#include <math.h>

#include "clones.h"
#include "lanes.h"

SNUG_CLONES void snug_sgd_step(float *w, const float *g, float *buffer, size_t n, snug_sgd s) {
  SNUG_INDEPENDENT
  for (size_t i = 0; i < n; i++) {
    float v = s.momentum * buffer[i] + (g[i] + s.decay * w[i]);
    buffer[i] = v;
    w[i] -= s.rate * v;
  }
}

SNUG_CLONES void snug_adam_step(float *w, const float *g, float *first, float *second, size_t n,
                                snug_adam s) {
  SNUG_INDEPENDENT
  for (size_t i = 0; i < n; i++) {
    float value = w[i] * s.shrink;
    float gradient = g[i] + s.decay * value;
    float mean = first[i] + (gradient - first[i]) * s.first_share;
    float square = s.second_kept * second[i] + s.second_share * gradient * gradient;
    first[i] = mean;
    second[i] = square;
    w[i] = value - s.rate * mean / (__builtin_elementwise_sqrt(square) / s.root + s.epsilon);
  }
}

SNUG_CLONES void snug_average_step(const float *w, float *average, size_t n, float share) {
  SNUG_INDEPENDENT
  for (size_t i = 0; i < n; i++) average[i] += share * (w[i] - average[i]);
}

SNUG_CLONES void snug_scale(float *w, size_t n, float factor) {
  for (size_t i = 0; i < n; i++) w[i] *= factor;
}

SNUG_CLONES double snug_square_sum(const float *x, size_t n) {
  double8 sum = {0};
  for (size_t i = 0; i < n; i += SNUG_LANE_COUNT) {
    float8 v;
    SNUG_LOAD(v, x, i, n);
    double8 wide = __builtin_convertvector(v, double8);
    sum += wide * wide;
  }
  return SNUG_TOTAL(sum);
}

size_t snug_first_not_finite(const float *x, size_t n) {
  for (size_t i = 0; i < n; i++) {
    if (!isfinite(x[i])) return i;
  }
  return n;
}
