#include "include/projection.h"

#include <math.h>

#include "clones.h"
#include "lanes.h"

enum { michelot_steps = 16, bucket_limit = 8192, bucket_crowd = 48 };

typedef struct {
  double sum;
  size_t count;
} tail;

/* The sum and the number of the magnitudes above a threshold. */
SNUG_CLONES static tail tail_above(const float *w, size_t n, double threshold) {
  /* A float exceeds a double if and only if it exceeds the greatest float that is not above that double. */
  float cut = (float)threshold;
  if ((double)cut > threshold) cut = nextafterf(cut, -INFINITY);
  double8 even = {0}, odd = {0};
  int8 count = {0};
  for (size_t i = 0; i < n; i += 2 * SNUG_LANE_COUNT) {
    float8 x;
    SNUG_LOAD(x, w, i, n);
    x = __builtin_elementwise_abs(x);
    int8 above = x > cut;
    even += __builtin_convertvector((float8)((int8)x & above), double8);
    count -= above;
    if (i + SNUG_LANE_COUNT >= n) break;
    SNUG_LOAD(x, w, i + SNUG_LANE_COUNT, n);
    x = __builtin_elementwise_abs(x);
    above = x > cut;
    odd += __builtin_convertvector((float8)((int8)x & above), double8);
    count -= above;
  }
  double8 sum = even + odd;
  tail result = {SNUG_TOTAL(sum), 0};
  for (int lane = 0; lane < SNUG_LANE_COUNT; lane++) result.count += (uint32_t)count[lane];
  return result;
}

/* Collects the magnitudes above a cut as bits, whose order is that of the values; returns their number. */
static size_t gather(const float *w, size_t n, float cut, uint32_t *keys) {
  size_t count = 0;
  for (size_t i = 0; i < n; i++) {
    float magnitude = fabsf(w[i]);
    memcpy(keys + count, &magnitude, sizeof magnitude);
    count += magnitude > cut;
  }
  return count;
}

/* Sorts in descending order by four passes over the bytes of the keys, for any distribution. */
static void radix_sort(uint32_t *keys, uint32_t *other, size_t n) {
  for (int shift = 0; shift < 32; shift += 8) {
    size_t start[257] = {0};
    for (size_t i = 0; i < n; i++) start[(~keys[i] >> shift & 255) + 1]++;
    for (int digit = 0; digit < 256; digit++) start[digit + 1] += start[digit];
    for (size_t i = 0; i < n; i++) other[start[~keys[i] >> shift & 255]++] = keys[i];
    uint32_t *swapped = keys;
    keys = other;
    other = swapped;
  }
}

/* Sorts keys in descending order into keys or other, and returns the one that holds the result. */
static uint32_t *sort(uint32_t *keys, uint32_t *other, size_t n) {
  uint32_t low = UINT32_MAX, high = 0;
  for (size_t i = 0; i < n; i++) {
    low = keys[i] < low ? keys[i] : low;
    high = keys[i] > high ? keys[i] : high;
  }
  if (low >= high) return keys;
  float least, greatest;
  memcpy(&least, &low, sizeof low);
  memcpy(&greatest, &high, sizeof high);
  size_t buckets = 2 * n < bucket_limit ? 2 * n : bucket_limit;
  float width = (float)(buckets - 1) / (greatest - least);
  if (!(width < INFINITY)) {
    radix_sort(keys, other, n);
    return keys;
  }
  uint32_t start[bucket_limit + 1];
  memset(start, 0, (buckets + 1) * sizeof start[0]);
  for (size_t i = 0; i < n; i++) {
    float value;
    memcpy(&value, keys + i, sizeof value);
    start[(size_t)((greatest - value) * width) + 1]++;
  }
  uint32_t crowd = 0;
  for (size_t bucket = 0; bucket < buckets; bucket++) {
    crowd = start[bucket + 1] > crowd ? start[bucket + 1] : crowd;
    start[bucket + 1] += start[bucket];
  }
  if (crowd > bucket_crowd) {
    radix_sort(keys, other, n);
    return keys;
  }
  for (size_t i = 0; i < n; i++) {
    float value;
    memcpy(&value, keys + i, sizeof value);
    other[start[(size_t)((greatest - value) * width)]++] = keys[i];
  }
  /* Insertion never moves an element out of its bucket. */
  for (size_t i = 1; i < n; i++) {
    uint32_t key = other[i];
    size_t j = i;
    for (; j > 0 && other[j - 1] < key; j--) other[j] = other[j - 1];
    other[j] = key;
  }
  return other;
}

double snug_l1_threshold(const float *w, size_t n, double norm, float radius, uint32_t *scratch) {
  if (!(radius > 0)) return INFINITY;
  /* Michelot's iteration, in double, approaches the threshold from below. */
  size_t count = n;
  double threshold = (norm - radius) / (double)n;
  int converged = 0;
  for (int step = 0; step < michelot_steps && !converged; step++) {
    tail above = tail_above(w, n, threshold);
    converged = above.count == count || above.count == 0;
    count = above.count;
    if (!converged) threshold = (above.sum - radius) / (double)count;
  }
  /* The running sum of single precision is off by at most n 2^-24 norm, and every magnitude that
     lies d below the threshold misses the condition by at least rho d. */
  double margin = converged && count > 0 ? (double)n * 0x1p-23 * norm / (double)count : INFINITY;
  double cut = threshold - margin;
  float float_cut = cut > 0 ? (float)(cut * (1 - 0x1p-22)) : -1.0f;
  count = gather(w, n, float_cut, scratch);
  uint32_t *sorted = sort(scratch, scratch + n, count);

  float running = 0, chosen = 0;
  size_t rho = 0;
  for (size_t i = 0; i < count; i++) {
    float value;
    memcpy(&value, sorted + i, sizeof value);
    running += value;
    if ((double)value * (double)(i + 1) > (double)(running - radius)) {
      rho = i + 1;
      chosen = running;
    }
  }
  if (rho == 0) return INFINITY;
  return (double)(chosen - radius) / (double)rho;
}

SNUG_CLONES void snug_soft_threshold(float *w, size_t n, double threshold) {
  for (size_t i = 0; i < n; i++) {
    double rest = (double)fabsf(w[i]) - threshold;
    w[i] = copysignf((float)(rest > 0 ? rest : 0), w[i]);
  }
}
