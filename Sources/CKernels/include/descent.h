#ifndef SNUG_DESCENT_H
#define SNUG_DESCENT_H

#include <stddef.h>
#include <stdint.h>

/* The loops of a descent by single units over n weights: g is the gradient, d the diagonal of H, q the integers, s the
   scale. A unit downhill changes the error by d + 2 step g / s, over the square of the scale, with step = -1 where g is
   positive and else 1. */

/* Writes the positions at which such a unit gains more than `least` of d and keeps within the limit; returns their
   number. */
size_t snug_descent_candidates(const float *g, const float *d, const float *q, size_t n, float scale, float least,
                               float limit, int32_t *positions);

/* What a unit toward zero changes the error by; infinite where there is none to take. */
void snug_descent_returns(const float *g, const float *d, const float *q, size_t n, float scale, float *costs);

/* The first position of the least `cost + costs + 2 given taken h`, where `taken` is the step toward zero, of the
   positions whose integers have an allowed sign; n, or a position whose sum is not below `best`, where there is none.
   The sum goes to `best` where it is below. */
size_t snug_descent_partner(const float *costs, const float *q, const float *h, size_t n, float cost, float given,
                            int positive, int negative, float *best);

/* g += factor h. */
void snug_descent_move(float *g, const float *h, size_t n, float factor);

#endif
