#ifndef SNUG_WEIGHTS_H
#define SNUG_WEIGHTS_H

#include <stddef.h>
#include <stdint.h>

/* Weight quantization of one channel: a row of n floats. */

/* How a row becomes integers q: y = (w + centre) / pre_scale + offset, rounded and clipped to -limit ...
   limit, where limit is at most 127. The integer represents the value q * scale. */
typedef struct {
  float centre;
  float pre_scale;
  float offset;
  float limit;
  float scale;
} snug_row_map;

/* The sum in double; NaN or infinite if and only if an element is. */
double snug_row_sum(const float *w, size_t n);

typedef struct {
  double sum;  /* sum of |w + centre|, in double over single-precision terms */
  float largest;  /* largest |w|, not centred */
} snug_row_norm;

snug_row_norm snug_row_absolute(const float *w, size_t n, float centre);

typedef struct {
  int64_t positive;
  int64_t negative;
} snug_row_sums;

/* Rounds a row toward zero. codes and values may be null. Returns the sums of the integers by sign. */
snug_row_sums snug_row_toward_zero(const float *w, size_t n, snug_row_map map, int8_t *codes,
                                   float *values);

/* Rounds a row to the nearest integers, with ties to even; otherwise like snug_row_toward_zero. */
snug_row_sums snug_row_to_nearest(const float *w, size_t n, snug_row_map map, int8_t *codes,
                                   float *values);

/* The sums over a row that the gradients of a norm-constrained quantizer need, with the upstream gradient G
   of q * scale, and h = G * scale where the rounded y was not clipped, else 0. */
typedef struct {
  double passed;     /* sum of h */
  double passed_y;   /* sum of h y */
  double codes;      /* sum of G q */
  double signs;      /* sum of sign(w + centre) */
} snug_row_gradient_sums;

snug_row_gradient_sums snug_row_gradient_reduce(const float *w, const float *upstream, size_t n,
                                                snug_row_map map);

/* Writes gradient = h / pre_scale + sign(w + centre) * norm_gradient - mean, where h is that of
   snug_row_gradient_sums. */
void snug_row_gradient(const float *w, const float *upstream, size_t n, snug_row_map map,
                       float norm_gradient, float mean, float *gradient);

/* The straight-through gradient of rounding to nearest with a clipping range: gradient is G where the integer
   was not clipped, else 0. Returns the gradient of the scale: the sum of G (q - y) inside the range and of G
   q outside. */
double snug_row_nearest_gradient(const float *w, const float *upstream, size_t n, snug_row_map map,
                                 float *gradient);

/* Sums, in double, that compare a row of values with the weights w that it replaces; h is the importance of
   each position, 1 where it is null. */
typedef struct {
  double error;    /* sum of h (value - w)^2 */
  double product;  /* sum of h value w */
  double square;   /* sum of h value^2 */
} snug_row_fit_sums;

snug_row_fit_sums snug_row_fit(const float *w, const float *values, const float *importance,
                               size_t n);

/* The sum of (code * scale - w)^2, in double. */
double snug_code_error(const int8_t *codes, float scale, const float *w, size_t n);

#endif
