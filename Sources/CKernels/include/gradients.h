#ifndef SNUG_GRADIENTS_H
#define SNUG_GRADIENTS_H

#include <stddef.h>

#include "elementwise.h"

/* Gradients of y = x op z, with g that of y. Where only sums or differences are taken, x and z are not
   read but must point to memory. */

/* Of tensors of one shape; dx or dz may be null. */
void snug_binary_gradient(snug_binary op, const float *x, const float *z, const float *g, float *dx,
                          float *dz, size_t n);

/* Of broadcast tensors: adds to dx[i * step_x] and dz[i * step_z], in double; steps are 0 or 1, and dx
   or dz may be null. */
void snug_binary_gradient_sums(snug_binary op, const float *x, size_t step_x, const float *z,
                               size_t step_z, const float *g, double *dx, double *dz, size_t n);

/* Of one parameter p for all of x, with y = x op p, or p op x where reversed. dx may be null. Returns
   the gradient of p. */
double snug_binary_gradient_row(snug_binary op, int reversed, const float *x, float p,
                                const float *g, float *dx, size_t n);

/* Of one parameter a column of rows of width elements; adds the gradient of p to dp. */
void snug_binary_gradient_rows(snug_binary op, int reversed, const float *x, const float *p,
                               const float *g, float *dx, double *dp, size_t rows, size_t width);

#endif
