#include "include/units.h"

#include <math.h>

#include "clones.h"
#include "lanes.h"

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

enum { candidate_limit = 32, bracket_steps = 64, tightening_steps = 12 };

/* The least and the greatest of the gains in a bracket low < gain <= high. */
SNUG_CLONES static void bracketed_gains(const float *v, const float *cap, size_t n, float low, float high,
                                        float *least, float *greatest) {
  *least = high;
  *greatest = low;
  for (size_t i = 0; i < n; i++) {
    float most = units_above(v[i], cap[i], low), first = units_above(v[i], cap[i], high) + 1;
    float smallest = v[i] - most + 0.5f, largest = v[i] - first + 0.5f;
    *least = first <= most && smallest < *least ? smallest : *least;
    *greatest = first <= most && largest > *greatest ? largest : *greatest;
  }
}

SNUG_CLONES float snug_units_project(const float *v, const float *cap, size_t n, int64_t budget,
                                     float *units) {
  float low = 0, high = 0;
  int64_t above_low = snug_units_count(v, cap, n, low), above_high = 0;
  if (above_low <= budget) {
    fill_units(v, cap, n, 0, units);
    return 0;
  }
  for (size_t i = 0; i < n; i++) high = v[i] > high ? v[i] : high;
  /* The bracket low ... high: more gains than the budget lie above low, and no more than the budget above
     high. */
  for (int step = 0; step < bracket_steps && above_low - above_high > candidate_limit; step++) {
    float ends[2];
    /* Many weights of one magnitude have one gain, which halving would take its time to single out. */
    if (step > 0 && step % tightening_steps == 0) {
      bracketed_gains(v, cap, n, low, high, &ends[0], &ends[1]);
      ends[0] = nextafterf(ends[0], -INFINITY);
      for (int end = 0; end < 2; end++) {
        if (!(ends[end] > low && ends[end] < high)) continue;
        int64_t above = snug_units_count(v, cap, n, ends[end]);
        if (above > budget) {
          low = ends[end];
          above_low = above;
        } else {
          high = ends[end];
          above_high = above;
        }
      }
      if (above_low - above_high <= candidate_limit) break;
    }
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
      /* Inserting after the gains that are not smaller keeps equal gains in the order of their indices. */
      candidate next = {v[i] - unit + 0.5f, i};
      size_t place = found++;
      for (; place > 0 && best[place - 1].gain < next.gain; place--) best[place] = best[place - 1];
      best[place] = next;
    }
  }
  size_t taken = 0;
  for (; taken < found && rest > 0; taken++, rest--) units[best[taken].index] += 1;
  if (taken == found) return high;
  /* The threshold is in the middle between two gains, so that rounding what a unit exceeds it by meets no
     tie. */
  float least = taken > 0 ? best[taken - 1].gain : high;
  return best[taken].gain + (least - best[taken].gain) / 2;
}

SNUG_CLONES size_t snug_units_gains(const float *v, const float *cap, size_t n, float low,
                                    float high, float *gains, size_t capacity) {
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

void snug_units_scatter(const float *units, const int32_t *index, size_t n, int negative,
                        int8_t *codes) {
  for (size_t i = 0; i < n; i++) codes[index[i]] = (int8_t)(negative ? -units[i] : units[i]);
}

/* Eight weights of a projected row, with masks of those not clipped: all of them, and those with a positive
   and with a negative integer. */
typedef struct {
  float8 w, q, g;
  int8 passes, positive, negative;
} projected_lanes;

static inline __attribute__((always_inline)) projected_lanes load_projected(
    const float *w, const int8_t *codes, const float *upstream, float clip, size_t i, size_t n) {
  projected_lanes l;
  char8 q;
  SNUG_LOAD(l.w, w, i, n);
  SNUG_LOAD(q, codes, i, n);
  SNUG_LOAD(l.g, upstream, i, n);
  l.q = __builtin_convertvector(q, float8);
  l.passes = __builtin_elementwise_abs(l.w) <= clip;
  l.positive = l.passes & (l.q > 0);
  l.negative = l.passes & (l.q < 0);
  return l;
}

#define MASKED(v, mask) ((float8)((int8)(v) & (mask)))

SNUG_CLONES snug_active_sums snug_active_reduce(const float *w, const int8_t *codes,
                                                const float *upstream, size_t n, float clip) {
  double8 positive = {0}, negative = {0}, positives = {0}, negatives = {0};
  for (size_t i = 0; i < n; i += SNUG_LANE_COUNT) {
    projected_lanes l = load_projected(w, codes, upstream, clip, i, n);
    positive += __builtin_convertvector(MASKED(l.g, l.positive), double8);
    negative += __builtin_convertvector(MASKED(l.g, l.negative), double8);
    positives -= __builtin_convertvector(l.positive, double8);
    negatives -= __builtin_convertvector(l.negative, double8);
  }
  snug_active_sums sums = {SNUG_TOTAL(positive), SNUG_TOTAL(negative), SNUG_TOTAL(positives),
                           SNUG_TOTAL(negatives)};
  return sums;
}

SNUG_CLONES double snug_projection_gradient(const float *w, const int8_t *codes,
                                            const float *upstream, size_t n, float scale,
                                            float clip, snug_projection_map map, int straight,
                                            float *gradient) {
  double8 sum = {0};
  int8 free_positive = (int8){0} - !map.positive_binds;
  int8 free_negative = (int8){0} - !map.negative_binds;
  for (size_t i = 0; i < n; i += SNUG_LANE_COUNT) {
    projected_lanes l = load_projected(w, codes, upstream, clip, i, n);
    /* A weight of integer 0 has a gradient where its sign is free. */
    int8 zero = l.passes & (l.q == 0);
    zero &= ((l.w > 0) & free_positive) | ((l.w <= 0) & free_negative);
    float8 through = MASKED(l.g - map.positive_shift, l.positive) +
                     MASKED(l.g - map.negative_shift, l.negative) + MASKED(l.g, zero);
    sum += __builtin_convertvector(l.g * l.q, double8) -
           __builtin_convertvector(through, double8) *
               __builtin_convertvector(l.w / scale, double8);
    float8 result = straight ? MASKED(l.g, l.passes) : through;
    size_t count = n - i < SNUG_LANE_COUNT ? n - i : SNUG_LANE_COUNT;
    memcpy(gradient + i, &result, count * sizeof(float));
  }
  return SNUG_TOTAL(sum);
}
