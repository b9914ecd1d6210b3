#include "include/quantizers.h"

#include <math.h>

#include "clones.h"

#define INLINE static inline __attribute__((always_inline))

INLINE float rounded(float v, snug_rounding rounding) {
  switch (rounding) {
    case snug_round_half_even: return __builtin_rintf(v);
    case snug_round_ceil: return __builtin_ceilf(v);
    case snug_round_floor: return __builtin_floorf(v);
    case snug_round_up: return __builtin_copysignf(__builtin_ceilf(__builtin_fabsf(v)), v);
    case snug_round_down: return __builtin_truncf(v);
    case snug_round_half_up:
      return __builtin_copysignf(__builtin_floorf(__builtin_fabsf(v) + 0.5f), v);
    case snug_round_half_down:
      return __builtin_copysignf(__builtin_ceilf(__builtin_fabsf(v) - 0.5f), v);
    case snug_round_sign: return v >= 0 ? 1.0f : -1.0f;
  }
  return v;
}

INLINE float quantized(float x, float scale, float zero, snug_quant_map map) {
  float v = x / scale + zero;
  /* Limits are integers, so clipping before rounding gives the same result; qonnx does so, which matters for
     the sign of 0. */
  if (map.rounding != snug_round_sign) {
    v = v > map.high ? map.high : v;
    v = v < map.low ? map.low : v;
  }
  return (rounded(v, map.rounding) - zero) * scale;
}

/* One loop for each rounding mode, so that the mode is a constant in it. */
#define FOR_EACH_ROUNDING(LOOP)                                \
  switch (map.rounding) {                                      \
    case snug_round_half_even: LOOP(snug_round_half_even)      \
    case snug_round_ceil: LOOP(snug_round_ceil)                \
    case snug_round_floor: LOOP(snug_round_floor)              \
    case snug_round_up: LOOP(snug_round_up)                    \
    case snug_round_down: LOOP(snug_round_down)                \
    case snug_round_half_up: LOOP(snug_round_half_up)          \
    case snug_round_half_down: LOOP(snug_round_half_down)      \
    case snug_round_sign: LOOP(snug_round_sign)                \
  }

SNUG_CLONES void snug_quant(const float *x, float *y, size_t n, float scale, float zero,
                            snug_quant_map map) {
#define LOOP(mode)                                                              \
  {                                                                             \
    snug_quant_map fixed = {map.low, map.high, mode};                           \
    SNUG_INDEPENDENT \
    for (size_t i = 0; i < n; i++) y[i] = quantized(x[i], scale, zero, fixed);  \
    break;                                                                      \
  }
  FOR_EACH_ROUNDING(LOOP)
#undef LOOP
}

SNUG_CLONES void snug_quant_rows(const float *x, float *y, size_t rows, size_t width,
                                 const float *scale, const float *zero, snug_quant_map map) {
#define LOOP(mode)                                                              \
  {                                                                             \
    snug_quant_map fixed = {map.low, map.high, mode};                           \
    for (size_t r = 0; r < rows; r++, x += width, y += width) {                 \
      SNUG_INDEPENDENT \
      for (size_t j = 0; j < width; j++) {                                      \
        y[j] = quantized(x[j], scale[j], zero[j], fixed);                       \
      }                                                                         \
    }                                                                           \
    break;                                                                      \
  }
  FOR_EACH_ROUNDING(LOOP)
#undef LOOP
}

INLINE float saturated(float x, float scale, float zero, float low, float high) {
  float v = __builtin_rintf(x / scale) + zero;
  /* In this order NaN becomes low, so that the conversion to an integer is defined. */
  v = v > low ? v : low;
  return v < high ? v : high;
}

SNUG_CLONES void snug_quantize_u8(const float *x, uint8_t *y, size_t n, float scale, float zero,
                                  float low, float high) {
  SNUG_INDEPENDENT
  for (size_t i = 0; i < n; i++) y[i] = (uint8_t)(int32_t)saturated(x[i], scale, zero, low, high);
}

SNUG_CLONES void snug_quantize_i8(const float *x, int8_t *y, size_t n, float scale, float zero,
                                  float low, float high) {
  SNUG_INDEPENDENT
  for (size_t i = 0; i < n; i++) y[i] = (int8_t)(int32_t)saturated(x[i], scale, zero, low, high);
}

SNUG_CLONES void snug_dequantize_u8(const uint8_t *x, float *y, size_t n, float scale, float zero) {
  SNUG_INDEPENDENT
  for (size_t i = 0; i < n; i++) y[i] = ((float)x[i] - zero) * scale;
}

SNUG_CLONES void snug_dequantize_i8(const int8_t *x, float *y, size_t n, float scale, float zero) {
  SNUG_INDEPENDENT
  for (size_t i = 0; i < n; i++) y[i] = ((float)x[i] - zero) * scale;
}
