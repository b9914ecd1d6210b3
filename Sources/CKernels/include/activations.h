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

/* Writes gradient (which may be null): upstream where the rounded value was not clipped, else 0. Returns the
   gradient of the scale: the sum of upstream * (q - x / scale) inside the range and of upstream * q outside. */
double snug_activation_backward(const float *x, const float *upstream, size_t n,
                                snug_activation_map map, float *gradient);

/* The bits of the greatest |x|, whose order is that of the values; beyond 0x7F7FFFFF where an element is not
   finite. */
uint32_t snug_magnitude_max(const float *x, size_t n);

/* Counts elements by the upper 15 bits of |x|, in 32768 counts to which it adds. */
void snug_magnitude_count_upper(const float *x, size_t n, uint64_t *counts);

/* Counts the elements with the given upper bits by the lower 16 bits of |x|, in 65536 counts to which it
   adds. */
void snug_magnitude_count_lower(const float *x, size_t n, uint32_t upper, uint64_t *counts);

/* Counts finite elements in 2 * side bins, whose width has the given reciprocal: an element is in bin side +
   floor(x / width), which must be in range. */
void snug_histogram_add(const float *x, size_t n, float reciprocal, int32_t side,
                        uint64_t *counts);

/* The sum of count * (round(centre / scale) * scale - centre)^2, with integers clipped to minimum ...
   maximum. */
double snug_histogram_error(const double *centres, const double *counts, size_t n, double scale,
                            double minimum, double maximum);

#endif
