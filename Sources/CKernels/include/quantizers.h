#ifndef SNUG_QUANTIZERS_H
#define SNUG_QUANTIZERS_H

#include <stddef.h>
#include <stdint.h>

/* Fake quantization: (clip(round(x / scale + zero), low, high) - zero) * scale, each operation rounded
   to single precision. NaN stays NaN. */

typedef enum {
  snug_round_half_even,
  snug_round_ceil,
  snug_round_floor,
  snug_round_up,        /* away from zero */
  snug_round_down,      /* toward zero */
  snug_round_half_up,   /* ties away from zero */
  snug_round_half_down, /* ties toward zero */
  snug_round_sign       /* bipolar: 1 for zero and more, else -1; limits don't apply */
} snug_rounding;

typedef struct {
  float low;
  float high;
  snug_rounding rounding;
} snug_quant_map;

/* Quantizes n elements with one scale and zero point. x and y may be the same memory. */
void snug_quant(const float *x, float *y, size_t n, float scale, float zero, snug_quant_map map);

/* Quantizes rows of width elements, in which column j has scale[j] and zero[j]. */
void snug_quant_rows(const float *x, float *y, size_t rows, size_t width, const float *scale,
                     const float *zero, snug_quant_map map);

/* Writes clip(round(x / scale) + zero, low, high) as integers, with ties to even and the sum in single
   precision. NaN becomes low. */
void snug_quantize_u8(const float *x, uint8_t *y, size_t n, float scale, float zero, float low,
                      float high);
void snug_quantize_i8(const float *x, int8_t *y, size_t n, float scale, float zero, float low,
                      float high);

/* Writes (x - zero) * scale. */
void snug_dequantize_u8(const uint8_t *x, float *y, size_t n, float scale, float zero);
void snug_dequantize_i8(const int8_t *x, float *y, size_t n, float scale, float zero);

#endif
