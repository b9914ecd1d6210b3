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

/* gradient (may be null) = upstream where the rounded value was not clipped, else 0. Returns the
   gradient of the scale: sum of upstream * (q - x / scale) inside, upstream * q outside. */
double snug_activation_backward(const float *x, const float *upstream, size_t n,
                                snug_activation_map map, float *gradient);

/* The greatest |x| as bits, in the order of the values; beyond 0x7F7FFFFF where an element is not
   finite. */
uint32_t snug_magnitude_max(const float *x, size_t n);

/* Adds the number of elements of each value of the upper 15 bits of |x| to 32768 counts. */
void snug_magnitude_count_upper(const float *x, size_t n, uint64_t *counts);

/* Adds the number of elements of each value of the lower 16 bits of |x| to 65536 counts, of those
   whose upper bits are the given ones. */
void snug_magnitude_count_lower(const float *x, size_t n, uint32_t upper, uint64_t *counts);

/* Counts finite elements in 2 * side bins of a width whose reciprocal is given: bin
   side + floor(x / width), which lies in range. */
void snug_histogram_add(const float *x, size_t n, float reciprocal, int32_t side,
                        uint64_t *counts);

/* Sum of count * (round(centre / scale) * scale - centre)^2, integers clipped to [minimum, maximum]. */
double snug_histogram_error(const double *centres, const double *counts, size_t n, double scale,
                            double minimum, double maximum);

#endif
