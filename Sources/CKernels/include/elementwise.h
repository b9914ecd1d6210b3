#ifndef SNUG_ELEMENTWISE_H
#define SNUG_ELEMENTWISE_H

#include <stddef.h>

/* Computes v = x * a + b, then writes v where it is positive and slope * v otherwise (a slope of 1 gives v
   itself): for a row with a single a and b, or for rows of width elements with an a and a b for each column.
   x and y may be the same memory. */
void snug_affine(const float *x, float *y, size_t n, float a, float b, float slope);
void snug_affine_rows(const float *x, float *y, size_t rows, size_t width, const float *a,
                      const float *b, float slope);

/* Writes max(x, 0), or x clipped to low ... high; NaN stays NaN. x and y may be the same memory. */
void snug_rectify(const float *x, float *y, size_t n);
void snug_clip(const float *x, float *y, size_t n, float low, float high);

/* Whether no element is NaN or positive infinity. */
int snug_all_below_infinity(const float *x, size_t n);

typedef enum { snug_add, snug_subtract, snug_multiply, snug_divide } snug_binary;

/* y[i] = x[i * step_x] op z[i * step_z]; a step is 0 for a single element, else 1. */
void snug_binary_row(snug_binary op, const float *x, size_t step_x, const float *z, size_t step_z,
                     float *y, size_t n);

/* For rows of width elements: y[r][j] = x[r][j] op p[j], or p[j] op x[r][j] where reversed. */
void snug_binary_rows(snug_binary op, int reversed, const float *x, const float *p, float *y,
                      size_t rows, size_t width);

#endif
