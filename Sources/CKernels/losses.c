#include "include/losses.h"

#include "clones.h"
#include "lanes.h"

SNUG_CLONES double snug_squared_error(const float *y, const float *target, size_t n, float factor,
                                      float *gradient) {
  double8 sum = {0};
  for (size_t i = 0; i < n; i += SNUG_LANE_COUNT) {
    float8 a, b;
    SNUG_LOAD(a, y, i, n);
    SNUG_LOAD(b, target, i, n);
    float8 difference = a - b;
    double8 wide = __builtin_convertvector(difference, double8);
    sum += wide * wide;
    if (gradient) {
      float8 result = difference * factor;
      size_t count = n - i < SNUG_LANE_COUNT ? n - i : SNUG_LANE_COUNT;
      memcpy(gradient + i, &result, count * sizeof(float));
    }
  }
  return SNUG_TOTAL(sum);
}
