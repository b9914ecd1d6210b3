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

/* What left its range in a lane: the register of a tile, or the outer one; at the end, or on the way. */
#define SNUG_TILE_OVERFLOWED 1
#define SNUG_TILE_PARTIALLY 2
#define SNUG_OUTER_OVERFLOWED 4
#define SNUG_OUTER_PARTIALLY 8

/* Sums in two stages: each run of tile products in a register low ... high that starts at 0, then what it holds
   in an outer one outer_low ... outer_high that starts at start; flags take the bits above.

   Exact: every sum as it is, or, with unused bits above those of the tile's register, that register's sum modulo
   its width; sum becomes the outer one without a width. */
void snug_accumulate_tiled_exact_i32(const int16_t *x, const int16_t *w, size_t length, size_t tile,
                                     int unused, int32_t low, int32_t high, int32_t start,
                                     int32_t outer_low, int32_t outer_high, int32_t *sum,
                                     int32_t *flags);
void snug_accumulate_tiled_exact_i64(const int16_t *x, const int16_t *w, size_t length, size_t tile,
                                     int unused, int64_t low, int64_t high, int64_t start,
                                     int64_t outer_low, int64_t outer_high, int64_t *sum,
                                     int64_t *flags);

/* Each step of either stage clamps; start must lie in the outer range. */
void snug_accumulate_tiled_saturating_i32(const int16_t *x, const int16_t *w, size_t length,
                                          size_t tile, int32_t low, int32_t high, int32_t start,
                                          int32_t outer_low, int32_t outer_high, int32_t *sum,
                                          int32_t *flags);
void snug_accumulate_tiled_saturating_i64(const int16_t *x, const int16_t *w, size_t length,
                                          size_t tile, int64_t low, int64_t high, int64_t start,
                                          int64_t outer_low, int64_t outer_high, int64_t *sum,
                                          int64_t *flags);

#endif
