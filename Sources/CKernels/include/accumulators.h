#ifndef SNUG_ACCUMULATORS_H
#define SNUG_ACCUMULATORS_H

#include <stddef.h>
#include <stdint.h>

/* Dot products that are summed side by side. */
#define SNUG_ACCUMULATOR_LANES 32

/* Sums of products in registers of limited width, one product after the other, in each lane on its own.
   x holds count rows of SNUG_ACCUMULATOR_LANES integers, w one weight a row; each register holds start at
   first. Every partial sum must fit the output's type, whatever low and high are. */

/* The exact sums; least and greatest become the extremes of all partial sums, start included. */
void snug_accumulate_exact_i32(const int16_t *x, const int16_t *w, size_t count, int32_t start,
                               int32_t *sum, int32_t *least, int32_t *greatest);
void snug_accumulate_exact_i64(const int16_t *x, const int16_t *w, size_t count, int64_t start,
                               int64_t *sum, int64_t *least, int64_t *greatest);

/* Sums that each step clamps to low ... high; clamped becomes nonzero in lanes where a step did. */
void snug_accumulate_saturating_i32(const int16_t *x, const int16_t *w, size_t count, int32_t start,
                                    int32_t low, int32_t high, int32_t *sum, int32_t *clamped);
void snug_accumulate_saturating_i64(const int16_t *x, const int16_t *w, size_t count, int64_t start,
                                    int64_t low, int64_t high, int64_t *sum, int64_t *clamped);

#endif
