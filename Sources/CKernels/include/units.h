#ifndef SNUG_UNITS_H
#define SNUG_UNITS_H

#include <stddef.h>
#include <stdint.h>

/* The exact projection of one channel's weights on integers. A magnitude v in integer units is
   built of units: the j-th one lowers the squared error (m - v)^2 by 2 (v - j + 1/2), its gain is
   v - j + 1/2, and gains fall from unit to unit. */

/* Collects the weights of one sign that are worth a unit: v = |w| / scale > 1/2, with the most
   units they may have. caps may be null, else the cap is |caps[i]| where that has the sign, 0 where
   not; it never exceeds limit. Returns their number, at most n. */
size_t snug_units_collect(const float *w, size_t n, float scale, float limit, const int8_t *caps,
                          int negative, float *v, float *cap, int32_t *index);

/* The number of units whose gain exceeds a threshold, at least 0. */
int64_t snug_units_count(const float *v, const float *cap, size_t n, float threshold);

/* Keeps the budget units of largest gain, the first by index among equals: units[i] of each.
   Returns a threshold between the gains that are kept and the largest other one, 0 where there is none. O(n). */
float snug_units_project(const float *v, const float *cap, size_t n, int64_t budget, float *units);

/* The gains in low < gain <= high, in no order, the first `capacity` of them; returns their
   number. */
size_t snug_units_gains(const float *v, const float *cap, size_t n, float low, float high,
                        float *gains, size_t capacity);

/* codes[index[i]] = units[i], negated where asked. */
void snug_units_scatter(const float *units, const int32_t *index, size_t n, int negative,
                        int8_t *codes);

/* Over the weights with |w| <= clip and an integer of each sign: the sums of the upstream gradient,
   and their number. */
typedef struct {
  double positive;
  double negative;
  double positives;
  double negatives;
} snug_active_sums;

snug_active_sums snug_active_reduce(const float *w, const int8_t *codes, const float *upstream,
                                    size_t n, float clip);

/* The transposed Jacobian J of a projection: it takes a shift off the gradient of each active
   weight, passes that of a weight of integer 0 where its sign's budget does not bind, and stops at
   |w| > clip. */
typedef struct {
  float positive_shift;
  float negative_shift;
  int positive_binds;
  int negative_binds;
} snug_projection_map;

/* gradient = J G, or G inside the clipping range where straight. Returns the gradient of the scale:
   sum of G q - (J G) w / scale. */
double snug_projection_gradient(const float *w, const int8_t *codes, const float *upstream,
                                size_t n, float scale, float clip, snug_projection_map map,
                                int straight, float *gradient);

#endif
