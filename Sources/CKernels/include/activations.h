#ifndef SNUG_ACTIVATIONS_H
#define SNUG_ACTIVATIONS_H

#include <stddef.h>
#include <stdint.h>

/* Activation quantization of n floats with one scale: q = clip(round half to even(x / scale)). */

typedef struct {
  float scale;
  float minimum;  /* integers, -2^15 ... 2^15 - 1 */
  float maximum;
} snug_activation_map;

/* codes and values (q * scale) may be null. NaN stays NaN in values. */
void snug_activation_forward(const float *x, size_t n, snug_activation_map map, int16_t *codes,
                             float *values);

/* The bits of the greatest |x|, whose order is that of the values; beyond 0x7F7FFFFF where an element is not
   finite. */
uint32_t snug_magnitude_max(const float *x, size_t n);

/* Counts finite elements in 2 * side bins, whose width has the given reciprocal: an element is in bin side +
   floor(x / width), which must be in range. */
void snug_histogram_add(const float *x, size_t n, float reciprocal, int32_t side,
                        uint64_t *counts);

/* The sum of count * (round(centre / scale) * scale - centre)^2, with integers clipped to minimum ...
   maximum. */
double snug_histogram_error(const double *centres, const double *counts, size_t n, double scale,
                            double minimum, double maximum);

#endif
