#ifndef SNUG_OPTIMIZERS_H
#define SNUG_OPTIMIZERS_H

#include <stddef.h>

/* Updates of n parameters w by their gradients g. Each element is computed alone, so any split of an
   array gives the same bits. Arrays never overlap. */

/* buffer = momentum * buffer + (g + decay * w); w -= rate * buffer. */
typedef struct {
  float rate, momentum, decay;
} snug_sgd;

void snug_sgd_step(float *w, const float *g, float *buffer, size_t n, snug_sgd s);

/* w *= shrink; g' = g + decay * w; first += (g' - first) * first_share;
   second = second_kept * second + second_share * g' * g';
   w -= rate * first / (sqrt(second) / root + epsilon). */
typedef struct {
  float rate, shrink, decay, first_share, second_kept, second_share, root, epsilon;
} snug_adam;

void snug_adam_step(float *w, const float *g, float *first, float *second, size_t n, snug_adam s);

/* average += share * (w - average). */
void snug_average_step(const float *w, float *average, size_t n, float share);

/* w *= factor. */
void snug_scale(float *w, size_t n, float factor);

/* The sum of x^2, which is finite if and only if all elements are. */
double snug_square_sum(const float *x, size_t n);

/* The index of the first element that is NaN or infinite; n where all are finite. */
size_t snug_first_not_finite(const float *x, size_t n);

#endif
