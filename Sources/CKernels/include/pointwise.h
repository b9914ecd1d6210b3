#ifndef SNUG_POINTWISE_H
#define SNUG_POINTWISE_H

#include <stddef.h>
#include <stdint.h>

/* Chains of element-wise steps over tensors of samples x channels x positions, in one pass over memory:

     v = raw1 * scale1[c] + offset1[c] (+ raw2 * scale2[c] + offset2[c])
     r = max(v, 0) where it rectifies, else v
     q = clip(round half to even(r / step))   for each quantizer

   Here c is the channel, and raw1 and raw2 are the elements of the operands, which may have different layouts:
   16 neighbouring channels are a block, and strides say where blocks, positions and samples begin. Channels-last
   and channel-blocked memory both have that form, so that a chain can also change the layout. */

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
  const float *scale;  /* for each channel, in whole blocks, 0 beyond the last channel; offset likewise */
  const float *offset;
} snug_operand;

typedef struct {
  float step;
  float minimum;
  float maximum;
  void *codes; /* receives the integers q, as uint8 or int8 */
  snug_number type;
  snug_view view;
  const float *gradient; /* the gradient of q * step, or null */
  snug_view gradient_view;
} snug_quantizer;

typedef struct {
  size_t channels;
  size_t operands;
  snug_operand operand[2];
  int rectifies;
  size_t quantizers;
  snug_quantizer quantizer[2];
  float *values; /* receives r; may be null */
  snug_view values_view;
  const float *values_gradient; /* the gradient of r, or null */
  snug_view values_gradient_view;
} snug_chain;

/* Computes positions begin ... end - 1 of one sample. */
void snug_chain_forward(const snug_chain *chain, size_t sample, size_t begin, size_t end);

/* Adds the sums of raw1 - pivot and of its square to an entry for each channel, in double. */
void snug_chain_statistics(const snug_chain *chain, const float *pivot, size_t sample, size_t begin,
                           size_t end, double *sum, double *square);

/* With g the gradient of v and G that of q * step, adds: to sum and product, unless they are null, an entry
   for each channel, of g and of g times the normalized raw1 * normal_scale + normal_offset; to steps an entry
   for each quantizer, the gradient of its step, which is G (q - r / step) inside the range and G q outside. */
void snug_chain_reduce(const snug_chain *chain, const float *normal_scale,
                       const float *normal_offset, size_t sample, size_t begin, size_t end,
                       double *sum, double *product, double *steps);

/* Writes gradient = g * factor[c] + raw1 * slope[c] + offset[c] for channel c. Adds to steps as
   snug_chain_reduce does, unless it is null. */
void snug_chain_gradient(const snug_chain *chain, const float *factor, const float *slope,
                         const float *offset, size_t sample, size_t begin, size_t end,
                         float *gradient, snug_view view, double *steps);

#endif
