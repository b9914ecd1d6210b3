#include "include/accumulators.h"

#include <string.h>

#include "clones.h"

#define LANES SNUG_ACCUMULATOR_LANES

typedef int16_t codes __attribute__((vector_size(LANES * 2)));
typedef int32_t narrow __attribute__((vector_size(LANES * 4)));
typedef int64_t wide __attribute__((vector_size(LANES * 8)));

/* A weight of zero leaves sum and extremes as they are. */
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

EXACT(snug_accumulate_exact_i32, int32_t, narrow)
EXACT(snug_accumulate_exact_i64, int64_t, wide)
SATURATING(snug_accumulate_saturating_i32, int32_t, narrow)
SATURATING(snug_accumulate_saturating_i64, int64_t, wide)
