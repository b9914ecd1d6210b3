#ifndef SNUG_GRADIENTS_H
#define SNUG_GRADIENTS_H

#include <stddef.h>

#include "elementwise.h"

/* Gradients of y = x op z, where g is the gradient of y. For sums and differences x and z are not read, but
   must point to memory. */

/* The gradients dx and dz of tensors of one shape; either may be null. */
void snug_binary_gradient(snug_binary op, const float *x, const float *z, const float *g, float *dx,
                          float *dz, size_t n);

/* The gradients of broadcast tensors: adds to dx[i * step_x] and dz[i * step_z], in double. A step is 0 or 1,
   and dx or dz may be null. */
void snug_binary_gradient_sums(snug_binary op, const float *x, size_t step_x, const float *z,
                               size_t step_z, const float *g, double *dx, double *dz, size_t n);

/* The gradient dx, which may be null, with one parameter p for all of x, where y = x op p, or p op x where
   reversed. Returns the gradient of p. */
double snug_binary_gradient_row(snug_binary op, int reversed, const float *x, float p,
                                const float *g, float *dx, size_t n);

/* The gradient dx for rows of width elements with a parameter for each column; adds the gradient of p to dp. */
void snug_binary_gradient_rows(snug_binary op, int reversed, const float *x, const float *p,
                               const float *g, float *dx, double *dp, size_t rows, size_t width);

#endif
