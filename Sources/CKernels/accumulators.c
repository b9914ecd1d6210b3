#include "include/accumulators.h"

#include <string.h>

#include "clones.h"

#define LANES SNUG_ACCUMULATOR_LANES

typedef int16_t codes __attribute__((vector_size(LANES * 2)));
typedef int32_t narrow __attribute__((vector_size(LANES * 4)));
typedef int64_t wide __attribute__((vector_size(LANES * 8)));
typedef uint32_t narrow_bits __attribute__((vector_size(LANES * 4)));
typedef uint64_t wide_bits __attribute__((vector_size(LANES * 8)));

/* A weight of zero changes neither the sum nor the extremes. */
#define FOR_EACH_PRODUCT(V, BODY)                                   \
  for (size_t k = 0; k < count; k++, x += LANES) {                  \
    if (w[k] == 0) continue;                                        \
    codes row;                                                      \
    memcpy(&row, x, sizeof row);                                    \
    V next = total + __builtin_convertvector(row, V) * w[k];        \
    BODY                                                            \
  }

#define EXACT(NAME, T, V)                                                                  \
  SNUG_CLONES void NAME(const int16_t *x, const int16_t *w, size_t count, T start, T *sum,  \
                        T *least, T *greatest) {                                           \
    V total = {0};                                                                         \
    total += start;                                                                        \
    V low = total, high = total;                                                           \
    FOR_EACH_PRODUCT(V, {                                                                  \
      total = next;                                                                        \
      low = __builtin_elementwise_min(low, total);                                         \
      high = __builtin_elementwise_max(high, total);                                       \
    })                                                                                     \
    memcpy(sum, &total, sizeof total);                                                     \
    memcpy(least, &low, sizeof low);                                                       \
    memcpy(greatest, &high, sizeof high);                                                  \
  }

#define SATURATING(NAME, T, V)                                                              \
  SNUG_CLONES void NAME(const int16_t *x, const int16_t *w, size_t count, T start, T low,   \
                        T high, T *sum, T *clamped) {                                       \
    V total = {0}, changed = {0}, least = {0}, greatest = {0};                              \
    total += start;                                                                         \
    least += low;                                                                           \
    greatest += high;                                                                       \
    FOR_EACH_PRODUCT(V, {                                                                   \
      total = __builtin_elementwise_min(__builtin_elementwise_max(next, least), greatest);  \
      changed |= total ^ next;                                                              \
    })                                                                                      \
    memcpy(sum, &total, sizeof total);                                                      \
    memcpy(clamped, &changed, sizeof changed);                                              \
  }

/* The register of a lane keeps the low bits of a sum; the bits above them become copies of the sign. */
#define WRAPPED(V, U, SUM, SHIFT) ((V)((U)(SUM) << (SHIFT)) >> (SHIFT))

#define TILED_EXACT(NAME, T, V, U)                                                            \
  SNUG_CLONES void NAME(const int16_t *x, const int16_t *w, size_t length, size_t tile,       \
                        int unused, T low, T high, T start, T outer_low, T outer_high,        \
                        T *sum, T *flags) {                                                   \
    V outer = {0}, left = {0};                                                                \
    outer += start;                                                                           \
    V outer_least = outer, outer_greatest = outer;                                            \
    for (size_t first = 0; first < length; first += tile, w += tile) {                        \
      size_t count = length - first < tile ? length - first : tile;                           \
      V total = {0}, least = {0}, greatest = {0};                                             \
      FOR_EACH_PRODUCT(V, {                                                                   \
        total = next;                                                                         \
        least = __builtin_elementwise_min(least, total);                                      \
        greatest = __builtin_elementwise_max(greatest, total);                                \
      })                                                                                      \
      left |= ((total < low) | (total > high)) & SNUG_TILE_OVERFLOWED;                        \
      left |= ((least < low) | (greatest > high)) & SNUG_TILE_PARTIALLY;                      \
      outer += WRAPPED(V, U, total, unused);                                                  \
      outer_least = __builtin_elementwise_min(outer_least, outer);                            \
      outer_greatest = __builtin_elementwise_max(outer_greatest, outer);                      \
    }                                                                                         \
    left |= ((outer < outer_low) | (outer > outer_high)) & SNUG_OUTER_OVERFLOWED;             \
    left |= ((outer_least < outer_low) | (outer_greatest > outer_high)) & SNUG_OUTER_PARTIALLY; \
    memcpy(sum, &outer, sizeof outer);                                                        \
    memcpy(flags, &left, sizeof left);                                                        \
  }

#define TILED_SATURATING(NAME, T, V)                                                          \
  SNUG_CLONES void NAME(const int16_t *x, const int16_t *w, size_t length, size_t tile,       \
                        T low, T high, T start, T outer_low, T outer_high, T *sum,            \
                        T *flags) {                                                           \
    V outer = {0}, left = {0}, least = {0}, greatest = {0};                                   \
    V outer_least = {0}, outer_greatest = {0};                                                \
    outer += start;                                                                           \
    least += low;                                                                             \
    greatest += high;                                                                         \
    outer_least += outer_low;                                                                 \
    outer_greatest += outer_high;                                                             \
    for (size_t first = 0; first < length; first += tile, w += tile) {                        \
      size_t count = length - first < tile ? length - first : tile;                           \
      V total = {0};                                                                          \
      FOR_EACH_PRODUCT(V, {                                                                   \
        total = __builtin_elementwise_min(__builtin_elementwise_max(next, least), greatest);  \
        left |= (total != next) & SNUG_TILE_OVERFLOWED;                                       \
      })                                                                                      \
      V added = outer + total;                                                                \
      outer = __builtin_elementwise_min(                                                      \
          __builtin_elementwise_max(added, outer_least), outer_greatest);                     \
      left |= (outer != added) & SNUG_OUTER_OVERFLOWED;                                       \
    }                                                                                         \
    memcpy(sum, &outer, sizeof outer);                                                        \
    memcpy(flags, &left, sizeof left);                                                        \
  }

EXACT(snug_accumulate_exact_i32, int32_t, narrow)
EXACT(snug_accumulate_exact_i64, int64_t, wide)
SATURATING(snug_accumulate_saturating_i32, int32_t, narrow)
SATURATING(snug_accumulate_saturating_i64, int64_t, wide)
TILED_EXACT(snug_accumulate_tiled_exact_i32, int32_t, narrow, narrow_bits)
TILED_EXACT(snug_accumulate_tiled_exact_i64, int64_t, wide, wide_bits)
TILED_SATURATING(snug_accumulate_tiled_saturating_i32, int32_t, narrow)
TILED_SATURATING(snug_accumulate_tiled_saturating_i64, int64_t, wide)
