#include "include/descent.h"

#include <math.h>

#include "clones.h"

enum { block = 64 };

SNUG_CLONES size_t snug_descent_candidates(const float *g, const float *d, const float *q, size_t n, float scale,
                                           float least, float limit, int32_t *positions) {
  size_t count = 0;
  for (size_t start = 0; start < n; start += block) {
    size_t end = start + block < n ? start + block : n;
    int any = 0;
    for (size_t i = start; i < end; i++) {
      float step = g[i] > 0 ? -1.0f : 1.0f;
      float cost = d[i] + 2 * step * g[i] / scale;
      any |= (cost < -least * d[i]) & (fabsf(q[i] + step) <= limit);
    }
    if (!any) continue;
    for (size_t i = start; i < end; i++) {
      float step = g[i] > 0 ? -1.0f : 1.0f;
      float cost = d[i] + 2 * step * g[i] / scale;
      positions[count] = (int32_t)i;
      count += (cost < -least * d[i]) & (fabsf(q[i] + step) <= limit);
    }
  }
  return count;
}

SNUG_CLONES void snug_descent_returns(const float *g, const float *d, const float *q, size_t n, float scale,
                                      float *costs) {
  for (size_t i = 0; i < n; i++) {
    float step = q[i] > 0 ? -1.0f : 1.0f;
    float cost = d[i] + 2 * step * g[i] / scale;
    costs[i] = q[i] != 0 ? cost : INFINITY;
  }
}

/* The sum of one position; infinite where its sign is not allowed. */
static inline float sum(float own, float q, float h, float cost, float given, int positive, int negative) {
  float step = q > 0 ? -1.0f : 1.0f;
  float total = cost + own + 2 * given * step * h;
  return (q > 0 ? positive : negative) ? total : INFINITY;
}

SNUG_CLONES size_t snug_descent_partner(const float *costs, const float *q, const float *h, size_t n, float cost,
                                        float given, int positive, int negative, float *best) {
  float least = *best;
  size_t found = n;
  for (size_t start = 0; start < n; start += block) {
    size_t end = start + block < n ? start + block : n;
    int any = 0;
    for (size_t i = start; i < end; i++) any |= sum(costs[i], q[i], h[i], cost, given, positive, negative) < least;
    if (!any) continue;
    for (size_t i = start; i < end; i++) {
      float total = sum(costs[i], q[i], h[i], cost, given, positive, negative);
      if (total < least) {
        least = total;
        found = i;
      }
    }
  }
  *best = least;
  return found;
}

SNUG_CLONES void snug_descent_move(float *g, const float *h, size_t n, float factor) {
  for (size_t i = 0; i < n; i++) g[i] += factor * h[i];
}
