#ifndef SNUG_UNITS_H
#define SNUG_UNITS_H

#include <stddef.h>
#include <stdint.h>

/* The exact projection of the weights of one channel on integers. The integer m for a magnitude v, in integer
   units, is built of units: the j-th one lowers the squared error (m - v)^2 by 2 (v - j + 1/2). Its gain is
   v - j + 1/2, and gains fall from unit to unit. */

/* Collects the weights w of one sign that are worth a unit, v = |w| / scale > 1/2, and the most units that
   each may have, its cap. Where caps is given, that is |caps[i]| if caps[i] has the sign and 0 if not; it
   never exceeds limit. Returns the number of weights, at most n. */
size_t snug_units_collect(const float *w, size_t n, float scale, float limit, const int8_t *caps,
                          int negative, float *v, float *cap, int32_t *index);

/* The number of units whose gain exceeds a threshold of at least 0. */
int64_t snug_units_count(const float *v, const float *cap, size_t n, float threshold);

/* Keeps the budget units of the largest gains, the first by index among equals; units[i] receives the number
   kept of each weight. Returns a threshold between the gains that are kept and the largest other one, or 0
   where there is no other. The time is O(n). */
float snug_units_project(const float *v, const float *cap, size_t n, int64_t budget, float *units);

/* Writes the first `capacity` gains in low < gain <= high, in no particular order; returns the number of all of
   them. */
size_t snug_units_gains(const float *v, const float *cap, size_t n, float low, float high,
                        float *gains, size_t capacity);

/* Sets codes[index[i]] to units[i], or to -units[i] where negative. */
void snug_units_scatter(const float *units, const int32_t *index, size_t n, int negative,
                        int8_t *codes);

/* Over the weights with |w| <= clip whose integer is positive, and over those whose integer is negative: the
   sum of the upstream gradient, and the number of weights. */
typedef struct {
  double positive;
  double negative;
  double positives;
  double negatives;
} snug_active_sums;

snug_active_sums snug_active_reduce(const float *w, const int8_t *codes, const float *upstream,
                                    size_t n, float clip);

/* The transposed Jacobian J of a projection: it subtracts a shift from the gradient of each weight whose
   integer is not 0, passes that of a weight with integer 0 where the budget of its sign does not bind, and
   gives 0 where |w| > clip. */
typedef struct {
  float positive_shift;
  float negative_shift;
  int positive_binds;
  int negative_binds;
} snug_projection_map;

/* Writes gradient = J G for the upstream gradient G, or, where straight, G inside the clipping range. Returns
   the gradient of the scale: the sum of G q - (J G) w / scale. */
double snug_projection_gradient(const float *w, const int8_t *codes, const float *upstream,
                                size_t n, float scale, float clip, snug_projection_map map,
                                int straight, float *gradient);

#endif
