#include "include/units.h"

#include <math.h>

#include "clones.h"

size_t snug_units_collect(const float *w, size_t n, float scale, float limit, const int8_t *caps,
                          int negative, float *v, float *cap, int32_t *index) {
  size_t count = 0;
  for (size_t i = 0; i < n; i++) {
    float magnitude = (negative ? -w[i] : w[i]) / scale;
    float most = limit;
    if (caps) {
      float given = (float)(negative ? -caps[i] : caps[i]);
      most = given < limit ? given : limit;
    }
    v[count] = magnitude;
    cap[count] = most;
    index[count] = (int32_t)i;
    count += magnitude > 0.5f && most > 0;
  }
  return count;
}

/* The number of j >= 1 with v - j + 1/2 > threshold, at most cap. */
static inline float units_above(float v, float cap, float threshold) {
  float units = ceilf(v + 0.5f - threshold) - 1;
  units = units > 0 ? units : 0;
  return units < cap ? units : cap;
}

SNUG_CLONES int64_t snug_units_count(const float *v, const float *cap, size_t n, float threshold) {
  int64_t total = 0;
  for (size_t start = 0; start < n; start += 1 << 20) {
    size_t end = n - start < 1 << 20 ? n : start + (1 << 20);
    /* 2^20 times 127 units stay inside 32 bits. */
    int32_t part = 0;
    for (size_t i = start; i < end; i++) part += (int32_t)units_above(v[i], cap[i], threshold);
    total += part;
  }
  return total;
}

SNUG_CLONES static void fill_units(const float *v, const float *cap, size_t n, float threshold,
                                   float *units) {
  for (size_t i = 0; i < n; i++) units[i] = units_above(v[i], cap[i], threshold);
}

typedef struct {
  float gain;
  size_t index;
} candidate;

enum { candidate_limit = 32, bracket_steps = 64 };

float snug_units_project(const float *v, const float *cap, size_t n, int64_t budget,
                         float *units) {
  float low = 0, high = 0;
  int64_t above_low = snug_units_count(v, cap, n, low), above_high = 0;
  if (above_low <= budget) {
    fill_units(v, cap, n, 0, units);
    return 0;
  }
  for (size_t i = 0; i < n; i++) high = v[i] > high ? v[i] : high;
  /* A bracket: too many gains lie above low, not too many above high. */
  for (int step = 0; step < bracket_steps && above_low - above_high > candidate_limit; step++) {
    double share = (double)(above_low - budget) / (double)(above_low - above_high);
    share = step % 2 ? 0.5 : share < 0.02 ? 0.02 : share > 0.98 ? 0.98 : share;
    float middle = (float)(low + ((double)high - low) * share);
    if (!(middle > low && middle < high)) middle = nextafterf(low, high);
    if (!(middle < high)) break;
    int64_t above = snug_units_count(v, cap, n, middle);
    if (above > budget) {
      low = middle;
      above_low = above;
    } else {
      high = middle;
      above_high = above;
    }
  }
  fill_units(v, cap, n, high, units);
  int64_t rest = budget - above_high;
  if (above_low - above_high > candidate_limit) {
    /* All gains of the bracket are equal. */
    for (size_t i = 0; i < n && rest > 0; i++) {
      int64_t more = (int64_t)(units_above(v[i], cap[i], low) - units[i]);
      more = more < rest ? more : rest;
      units[i] += (float)more;
      rest -= more;
    }
    return high;
  }
  candidate best[candidate_limit];
  size_t found = 0;
  for (size_t i = 0; i < n; i++) {
    float most = units_above(v[i], cap[i], low);
    for (float unit = units[i] + 1; unit <= most && found < candidate_limit; unit++) {
      /* Insertion behind what is not smaller keeps equal gains in the order of their indices. */
      candidate next = {v[i] - unit + 0.5f, i};
      size_t place = found++;
      for (; place > 0 && best[place - 1].gain < next.gain; place--) best[place] = best[place - 1];
      best[place] = next;
    }
  }
  for (size_t k = 0; k < found && rest > 0; k++, rest--) units[best[k].index] += 1;
  return high;
}

size_t snug_units_gains(const float *v, const float *cap, size_t n, float low, float high,
                        float *gains, size_t capacity) {
  size_t count = 0;
  for (size_t i = 0; i < n; i++) {
    float most = units_above(v[i], cap[i], low);
    for (float unit = units_above(v[i], cap[i], high) + 1; unit <= most; unit++) {
      if (count < capacity) gains[count] = v[i] - unit + 0.5f;
      count++;
    }
  }
  return count;
}
