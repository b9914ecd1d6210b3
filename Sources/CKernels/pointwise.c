#include "include/pointwise.h"

#include <math.h>
#include <string.h>

#include "clones.h"

typedef float vfloat __attribute__((vector_size(4 * SNUG_BLOCK)));
typedef int32_t vint __attribute__((vector_size(4 * SNUG_BLOCK)));
typedef uint8_t vuint8 __attribute__((vector_size(SNUG_BLOCK)));
typedef int8_t vint8 __attribute__((vector_size(SNUG_BLOCK)));

/* The number of positions that are processed at once, so that intermediate values stay in the first-level
   cache. */
#define TILE 32

/* Vectors are passed by address: by value they would tie a function to one kind of registers. */
#define INLINE static inline __attribute__((always_inline))

typedef struct {
  size_t block;  /* index of the block */
  size_t lanes;  /* channels in it */
  size_t sample;
  size_t begin;  /* first position */
  size_t count;  /* positions */
} tile;

INLINE ptrdiff_t start(snug_view view, tile t) {
  return (ptrdiff_t)t.sample * view.sample + (ptrdiff_t)t.block * view.block +
         (ptrdiff_t)t.begin * view.position;
}

INLINE size_t lanes_in(snug_view view, tile t) { return view.padded ? SNUG_BLOCK : t.lanes; }

/* Reads elements as floats; missing lanes are 0. */
#define READ(element, vector)                                                    \
  do {                                                                           \
    const element *x = (const element *)data + start(view, t);                   \
    if (lanes == SNUG_BLOCK) {                                                   \
      for (size_t i = 0; i < t.count; i++) {                                     \
        vector v;                                                                \
        memcpy(&v, x + (ptrdiff_t)i * view.position, sizeof v);                  \
        out[i] = __builtin_convertvector(v, vfloat);                             \
      }                                                                          \
    } else {                                                                     \
      for (size_t i = 0; i < t.count; i++) {                                     \
        vector v = {0};                                                          \
        memcpy(&v, x + (ptrdiff_t)i * view.position, lanes * sizeof(element));   \
        out[i] = __builtin_convertvector(v, vfloat);                             \
      }                                                                          \
    }                                                                            \
  } while (0)

INLINE void read_tile(const void *data, snug_number type, snug_view view, tile t, vfloat *out) {
  size_t lanes = lanes_in(view, t);
  switch (type) {
    case snug_float32: READ(float, vfloat); break;
    case snug_int32: READ(int32_t, vint); break;
    case snug_uint8: READ(uint8_t, vuint8); break;
    case snug_int8: READ(int8_t, vint8); break;
  }
}

INLINE void channel_values(const float *values, tile t, vfloat *out) {
  memcpy(out, values + t.block * SNUG_BLOCK, sizeof *out);
}

INLINE void write_floats(float *data, snug_view view, tile t, const vfloat *in) {
  float *y = data + start(view, t);
  size_t lanes = lanes_in(view, t);
  if (lanes == SNUG_BLOCK) {
    for (size_t i = 0; i < t.count; i++) memcpy(y + (ptrdiff_t)i * view.position, in + i, sizeof *in);
  } else {
    for (size_t i = 0; i < t.count; i++)
      memcpy(y + (ptrdiff_t)i * view.position, in + i, lanes * sizeof(float));
  }
}

/* The integer of y = value / step; NaN becomes the minimum, so that its conversion is defined. */
#define CODE(y, q)                                                                          \
  __builtin_elementwise_min(                                                                \
      __builtin_elementwise_max(__builtin_elementwise_rint(y), (q)->minimum - (vfloat){0}), \
      (q)->maximum - (vfloat){0})

/* NaN stays NaN, since it isn't below 0 either. */
#define RECTIFIED(v) ((vfloat)((vint)(v) & ~((v) <= 0)))

INLINE void write_codes(const snug_quantizer *q, tile t, const vfloat *values) {
  uint8_t *codes = (uint8_t *)q->codes + start(q->view, t);
  size_t lanes = lanes_in(q->view, t);
  for (size_t i = 0; i < t.count; i++) {
    vfloat y = values[i] / q->step;
    vint code = __builtin_convertvector(CODE(y, q), vint);
    /* The low byte is the code, signed or not. */
    vuint8 bytes = __builtin_convertvector(code, vuint8);
    if (lanes == SNUG_BLOCK) {
      memcpy(codes + (ptrdiff_t)i * q->view.position, &bytes, sizeof bytes);
    } else {
      memcpy(codes + (ptrdiff_t)i * q->view.position, &bytes, lanes);
    }
  }
}

/* Computes v of a tile; raw receives the elements of the first operand. */
INLINE void combine(const snug_chain *c, tile t, vfloat *raw, vfloat *v) {
  read_tile(c->operand[0].data, c->operand[0].type, c->operand[0].view, t, raw);
  vfloat a, b;
  channel_values(c->operand[0].scale, t, &a);
  channel_values(c->operand[0].offset, t, &b);
  for (size_t i = 0; i < t.count; i++) v[i] = raw[i] * a + b;
  if (c->operands < 2) return;
  vfloat second[TILE];
  read_tile(c->operand[1].data, c->operand[1].type, c->operand[1].view, t, second);
  channel_values(c->operand[1].scale, t, &a);
  channel_values(c->operand[1].offset, t, &b);
  for (size_t i = 0; i < t.count; i++) v[i] += second[i] * a + b;
}

/* Runs the body for every tile of the positions, with tiles in the outer loop and blocks in the inner one, so
   that the lines of channels-last memory are used up while they are in the cache. */
#define FOR_EACH_TILE(c, sample_, begin_, end_)                                              \
  for (size_t first = (begin_); first < (end_); first += TILE)                               \
    for (tile t = {0, 0, (sample_), first, (end_) - first < TILE ? (end_) - first : TILE};   \
         t.block * SNUG_BLOCK < (c)->channels &&                                             \
         (t.lanes = (c)->channels - t.block * SNUG_BLOCK < SNUG_BLOCK                        \
                        ? (c)->channels - t.block * SNUG_BLOCK                               \
                        : SNUG_BLOCK,                                                        \
         1);                                                                                 \
         t.block++)

SNUG_CLONES void snug_chain_forward(const snug_chain *c, size_t sample, size_t begin, size_t end) {
  FOR_EACH_TILE(c, sample, begin, end) {
    vfloat raw[TILE], v[TILE];
    combine(c, t, raw, v);
    if (c->rectifies) {
      for (size_t i = 0; i < t.count; i++) v[i] = RECTIFIED(v[i]);
    }
    if (c->values) write_floats(c->values, c->values_view, t, v);
    for (size_t k = 0; k < c->quantizers; k++) write_codes(&c->quantizer[k], t, v);
  }
}

INLINE void add_lanes(double *to, const vfloat *sums, tile t) {
  for (size_t lane = 0; lane < t.lanes; lane++)
    to[t.block * SNUG_BLOCK + lane] += (double)(*sums)[lane];
}

SNUG_CLONES void snug_chain_statistics(const snug_chain *c, const float *pivot, size_t sample,
                                       size_t begin, size_t end, double *sum, double *square) {
  FOR_EACH_TILE(c, sample, begin, end) {
    vfloat raw[TILE], sums = {0}, squares = {0};
    read_tile(c->operand[0].data, c->operand[0].type, c->operand[0].view, t, raw);
    vfloat p;
    channel_values(pivot, t, &p);
    for (size_t i = 0; i < t.count; i++) {
      vfloat d = raw[i] - p;
      sums += d;
      squares += d * d;
    }
    add_lanes(sum, &sums, t);
    add_lanes(square, &squares, t);
  }
}

INLINE double total(const vfloat *v) {
  double sum = 0;
  for (size_t lane = 0; lane < SNUG_BLOCK; lane++) sum += (double)(*v)[lane];
  return sum;
}

/* Computes the gradient of v, from v. */
INLINE void differentiate(const snug_chain *c, tile t, const vfloat *v, vfloat *g, double *steps) {
  if (c->values_gradient) {
    read_tile(c->values_gradient, snug_float32, c->values_gradient_view, t, g);
  } else {
    for (size_t i = 0; i < t.count; i++) g[i] = (vfloat){0};
  }
  for (size_t k = 0; k < c->quantizers; k++) {
    const snug_quantizer *q = &c->quantizer[k];
    if (!q->gradient) continue;
    vfloat upstream[TILE], sum = {0};
    read_tile(q->gradient, snug_float32, q->gradient_view, t, upstream);
    for (size_t i = 0; i < t.count; i++) {
      vfloat y = (c->rectifies ? RECTIFIED(v[i]) : v[i]) / q->step;
      vfloat code = CODE(y, q);
      vint inside = code == __builtin_elementwise_rint(y);
      g[i] += (vfloat)((vint)upstream[i] & inside);
      sum += upstream[i] * (code - (vfloat)((vint)y & inside));
    }
    if (steps) steps[k] += total(&sum);
  }
  if (c->rectifies) {
    for (size_t i = 0; i < t.count; i++) g[i] = (vfloat)((vint)g[i] & (v[i] > 0));
  }
}

SNUG_CLONES void snug_chain_reduce(const snug_chain *c, const float *normal_scale,
                                   const float *normal_offset, size_t sample, size_t begin,
                                   size_t end, double *sum, double *product, double *steps) {
  FOR_EACH_TILE(c, sample, begin, end) {
    vfloat raw[TILE], v[TILE], g[TILE];
    combine(c, t, raw, v);
    differentiate(c, t, v, g, steps);
    if (!sum) continue;
    vfloat a, b;
    channel_values(normal_scale, t, &a);
    channel_values(normal_offset, t, &b);
    vfloat sums = {0}, products = {0};
    for (size_t i = 0; i < t.count; i++) {
      sums += g[i];
      products += g[i] * (raw[i] * a + b);
    }
    add_lanes(sum, &sums, t);
    add_lanes(product, &products, t);
  }
}

SNUG_CLONES void snug_chain_gradient(const snug_chain *c, const float *factor, const float *slope,
                                     const float *offset, size_t sample, size_t begin, size_t end,
                                     float *gradient, snug_view view, double *steps) {
  FOR_EACH_TILE(c, sample, begin, end) {
    vfloat raw[TILE], v[TILE], g[TILE];
    combine(c, t, raw, v);
    differentiate(c, t, v, g, steps);
    vfloat k, a, b;
    channel_values(factor, t, &k);
    channel_values(slope, t, &a);
    channel_values(offset, t, &b);
    for (size_t i = 0; i < t.count; i++) g[i] = g[i] * k + (raw[i] * a + b);
    write_floats(gradient, view, t, g);
  }
}
