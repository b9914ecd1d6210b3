#ifndef SNUG_PROJECTION_H
#define SNUG_PROJECTION_H

#include <stddef.h>
#include <stdint.h>

/* The threshold of the Euclidean projection of n finite floats on the l1 ball of a radius (Duchi et al.
   2008). With u the magnitudes in descending order, C their running sum in single precision and rho the last
   j with u_j j > C_j - radius, it is (C_rho - radius) / rho in double.

   norm is the sum of the magnitudes, which must be greater than radius. scratch holds 2 n elements. The time
   is O(n): a threshold in double narrows the row to the elements that can matter, and only those are sorted,
   by buckets. */
double snug_l1_threshold(const float *w, size_t n, double norm, float radius, uint32_t *scratch);

/* Replaces w by sign(w) max(|w| - threshold, 0), subtracted in double. */
void snug_soft_threshold(float *w, size_t n, double threshold);

#endif
