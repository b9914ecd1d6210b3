#ifndef SNUG_LOSSES_H
#define SNUG_LOSSES_H

#include <stddef.h>

/* The sum of (y - target)^2; sets gradient[i] to factor * (y[i] - target[i]), unless it is null. */
double snug_squared_error(const float *y, const float *target, size_t n, float factor,
                          float *gradient);

#endif
