#ifndef SNUG_POINTWISE_H
#define SNUG_POINTWISE_H

#include <stddef.h>
#include <stdint.h>

/* Chains of element-wise steps over tensors of samples x channels x positions, in one pass over memory:

     v = raw1 * scale1[c] + offset1[c] (+ raw2 * scale2[c] + offset2[c])
     r = max(v, 0) where it rectifies, else v
     q = clip(round half to even(r / step))   for each quantizer

   Operands may stand in different layouts: 16 neighbouring channels are a block, and strides say where
   blocks, positions and samples begin. Channels last and channel-blocked memory both have that form, so
   that a chain is also the change of layout. */

#define SNUG_BLOCK 16

typedef struct {
  ptrdiff_t sample, block, position;
  int padded; /* the last block has all its channels in memory; those beyond the last are kept 0 */
} snug_view;

typedef enum { snug_float32, snug_int32, snug_uint8, snug_int8 } snug_number;

typedef struct {
  const void *data;
  snug_number type;
  snug_view view;
  const float *scale;  /* one a channel, whole blocks, 0 beyond the last channel; the same for offset */
  const float *offset;
} snug_operand;

typedef struct {
  float step;
  float minimum;
  float maximum;
  void *codes; /* uint8 or int8, where the integers go */
  snug_number type;
  snug_view view;
  const float *gradient; /* of q * step; null where there is none */
  snug_view gradient_view;
} snug_quantizer;

typedef struct {
  size_t channels;
  size_t operands;
  snug_operand operand[2];
  int rectifies;
  size_t quantizers;
  snug_quantizer quantizer[2];
  float *values; /* where r goes; null for nowhere */
  snug_view values_view;
  const float *values_gradient; /* of r; null where there is none */
  snug_view values_gradient_view;
} snug_chain;

/* Positions begin ... end - 1 of one sample. */
void snug_chain_forward(const snug_chain *chain, size_t sample, size_t begin, size_t end);

/* Adds to one entry a channel, in double: the sums of raw1 - pivot and of its square. */
void snug_chain_statistics(const snug_chain *chain, const float *pivot, size_t sample, size_t begin,
                           size_t end, double *sum, double *square);

/* With g the gradient of v, adds: to one entry a channel of sum and product, g and g times the
   normalised raw1 * normal_scale + normal_offset, unless they are null; to one entry a quantizer of
   steps, the gradient of its step, G (q - r / step) inside the range and G q outside. */
void snug_chain_reduce(const snug_chain *chain, const float *normal_scale,
                       const float *normal_offset, size_t sample, size_t begin, size_t end,
                       double *sum, double *product, double *steps);

/* gradient = g * factor[c] + raw1 * slope[c] + offset[c]. Adds to steps as snug_chain_reduce does,
   unless it is null. */
void snug_chain_gradient(const snug_chain *chain, const float *factor, const float *slope,
                         const float *offset, size_t sample, size_t begin, size_t end,
                         float *gradient, snug_view view, double *steps);

#endif
