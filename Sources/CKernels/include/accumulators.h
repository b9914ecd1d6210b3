#ifndef SNUG_ACCUMULATORS_H
#define SNUG_ACCUMULATORS_H

#include <stddef.h>
#include <stdint.h>

/* The number of dot products that are summed side by side. */
#define SNUG_ACCUMULATOR_LANES 32

/* Sums of products in registers of limited width, one product after the other, in each lane separately. x
   holds count rows of SNUG_ACCUMULATOR_LANES integers and w one weight for each row; each register first
   holds start. Every partial sum must fit the type of the output, whatever low and high are. */

/* Writes the exact sums; least and greatest receive the extremes of all partial sums, including start. */
void snug_accumulate_exact_i32(const int16_t *x, const int16_t *w, size_t count, int32_t start,
                               int32_t *sum, int32_t *least, int32_t *greatest);
void snug_accumulate_exact_i64(const int16_t *x, const int16_t *w, size_t count, int64_t start,
                               int64_t *sum, int64_t *least, int64_t *greatest);

/* Writes sums that are clamped to low ... high in each step; clamped becomes nonzero in lanes where a step
   was. */
void snug_accumulate_saturating_i32(const int16_t *x, const int16_t *w, size_t count, int32_t start,
                                    int32_t low, int32_t high, int32_t *sum, int32_t *clamped);
void snug_accumulate_saturating_i64(const int16_t *x, const int16_t *w, size_t count, int64_t start,
                                    int64_t low, int64_t high, int64_t *sum, int64_t *clamped);

/* Flags of the overflows in a lane: of the register of a tile, or of the outer one, at the end or before it. */
#define SNUG_TILE_OVERFLOWED 1
#define SNUG_TILE_PARTIALLY 2
#define SNUG_OUTER_OVERFLOWED 4
#define SNUG_OUTER_PARTIALLY 8

/* Sums in two stages: each run of tile products is summed in a register low ... high that starts at 0, then
   its value is added in an outer one outer_low ... outer_high that starts at start; flags receive the bits
   above.

   Exact: every sum is computed as it is, or, with unused bits above those of the register of the tile, modulo
   the width of that register; sum receives the outer sum without a width. */
void snug_accumulate_tiled_exact_i32(const int16_t *x, const int16_t *w, size_t length, size_t tile,
                                     int unused, int32_t low, int32_t high, int32_t start,
                                     int32_t outer_low, int32_t outer_high, int32_t *sum,
                                     int32_t *flags);
void snug_accumulate_tiled_exact_i64(const int16_t *x, const int16_t *w, size_t length, size_t tile,
                                     int unused, int64_t low, int64_t high, int64_t start,
                                     int64_t outer_low, int64_t outer_high, int64_t *sum,
                                     int64_t *flags);

/* Clamps each step of either stage; start must lie in the outer range. */
void snug_accumulate_tiled_saturating_i32(const int16_t *x, const int16_t *w, size_t length,
                                          size_t tile, int32_t low, int32_t high, int32_t start,
                                          int32_t outer_low, int32_t outer_high, int32_t *sum,
                                          int32_t *flags);
void snug_accumulate_tiled_saturating_i64(const int16_t *x, const int16_t *w, size_t length,
                                          size_t tile, int64_t low, int64_t high, int64_t start,
                                          int64_t outer_low, int64_t outer_high, int64_t *sum,
                                          int64_t *flags);

#endif
