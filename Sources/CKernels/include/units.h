#ifndef SNUG_UNITS_H
#define SNUG_UNITS_H

#include <stddef.h>
#include <stdint.h>

/* The exact projection of one channel's weights on integers. A magnitude v in integer units is
   built of units: the j-th one lowers the squared error (m - v)^2 by 2 (v - j + 1/2), its gain is
   v - j + 1/2, and gains fall from unit to unit. */

/* Collects the weights of one sign that are worth a unit: v = |w| / scale > 1/2, with the most units
   they may have. caps may be null, else the cap is |caps[i]| where that has the sign, 0 where not;
   it never exceeds limit. Returns their number, at most n. */
size_t snug_units_collect(const float *w, size_t n, float scale, float limit, const int8_t *caps,
                          int negative, float *v, float *cap, int32_t *index);

/* The number of units whose gain exceeds a threshold, at least 0. */
int64_t snug_units_count(const float *v, const float *cap, size_t n, float threshold);

/* Keeps the budget units of largest gain, the first by index among equals: units[i] of each. Returns
   the threshold above which all gains are kept. O(n). */
float snug_units_project(const float *v, const float *cap, size_t n, int64_t budget, float *units);

/* The gains in low < gain <= high, in no order, the first `capacity` of them; returns their number. */
size_t snug_units_gains(const float *v, const float *cap, size_t n, float low, float high,
                        float *gains, size_t capacity);

#endif
