#include "include/activations.h"

#include <math.h>
#include <stdlib.h>

#include "clones.h"
#include "lanes.h"

SNUG_CLONES void snug_activation_forward(const float *x, size_t n, snug_activation_map map,
                                         int16_t *codes, float *values) {
  if (values) {
    for (size_t i = 0; i < n; i++) {
      float q = rintf(x[i] / map.scale);
      /* In this order NaN passes both comparisons unchanged. */
      q = q < map.minimum ? map.minimum : q;
      q = q > map.maximum ? map.maximum : q;
      values[i] = q * map.scale;
    }
  }
  if (codes) {
    for (size_t i = 0; i < n; i++) {
      float q = rintf(x[i] / map.scale);
      /* In this order NaN becomes the minimum, so that the conversion is defined. */
      q = q > map.minimum ? q : map.minimum;
      q = q < map.maximum ? q : map.maximum;
      codes[i] = (int16_t)q;
    }
  }
}

static inline uint32_t magnitude_bits(const float *x, size_t i) {
  uint32_t bits;
  memcpy(&bits, x + i, sizeof bits);
  return bits & 0x7FFFFFFF;
}

SNUG_CLONES uint32_t snug_magnitude_max(const float *x, size_t n) {
  uint32_t largest = 0;
  for (size_t i = 0; i < n; i++) {
    uint32_t bits = magnitude_bits(x, i);
    largest = bits > largest ? bits : largest;
  }
  return largest;
}

enum { histogram_block = 64, histogram_tables = 4 };

SNUG_CLONES static void histogram_bins(const float *x, float reciprocal, int32_t side,
                                       int32_t *bins) {
  for (size_t i = 0; i < histogram_block; i++) bins[i] = (int32_t)floorf(x[i] * reciprocal) + side;
}

void snug_histogram_add(const float *x, size_t n, float reciprocal, int32_t side,
                        uint64_t *counts) {
  // Neighbours often fall into one bin, above all zeros; with separate tables they do not wait for each other.
  size_t size = 2 * (size_t)side, i = 0;
  uint32_t *tables =
      n >= 4 * size && n <= UINT32_MAX ? calloc(histogram_tables * size, sizeof *tables) : NULL;
  if (tables) {
    for (; i + histogram_block <= n; i += histogram_block) {
      int32_t bins[histogram_block];
      histogram_bins(x + i, reciprocal, side, bins);
      for (size_t j = 0; j < histogram_block; j++)
        tables[(j % histogram_tables) * size + (size_t)bins[j]]++;
    }
    for (size_t bin = 0; bin < size; bin++)
      for (size_t table = 0; table < histogram_tables; table++)
        counts[bin] += tables[table * size + bin];
    free(tables);
  }
  for (; i < n; i++) counts[(int32_t)floorf(x[i] * reciprocal) + side]++;
}

SNUG_CLONES double snug_histogram_error(const double *centres, const double *counts, size_t n,
                                        double scale, double minimum, double maximum) {
  double8 sum = {0}, least = minimum - (double8){0}, greatest = maximum - (double8){0};
  for (size_t i = 0; i < n; i += SNUG_LANE_COUNT) {
    double8 centre, count;
    SNUG_LOAD(centre, centres, i, n);
    SNUG_LOAD(count, counts, i, n);
    double8 clipped = __builtin_elementwise_min(
        __builtin_elementwise_max(centre / scale, least), greatest);
    /* Adding 1.5 * 2^52 rounds to the nearest integer; values beyond its range are clipped before. */
    double8 difference = (clipped + 0x1.8p52 - 0x1.8p52) * scale - centre;
    sum += count * difference * difference;
  }
  return SNUG_TOTAL(sum);
}
