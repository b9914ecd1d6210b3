/* oneDNN's C API as DNNEngine calls it, whichever version is installed.
 *
 * DNNEngine is written for 3.x: memory descriptors behind handles, a primitive descriptor made by one call. Where 3.x
 * and 2.x (2.6 or later) have the same name and arguments the library is called directly. Everything else is here:
 * handles for 2.x (its descriptors are structures, kept on the heap), the calls of 3.x made of an operation descriptor
 * for 2.x, and a description of layouts that both fill. */
#ifndef SNUG_ONEDNN_COMPATIBILITY_H
#define SNUG_ONEDNN_COMPATIBILITY_H

#include <dnnl.h>
#include <stdlib.h>
#include <string.h>

#if DNNL_VERSION_MAJOR < 2 || (DNNL_VERSION_MAJOR == 2 && DNNL_VERSION_MINOR < 6)
#error "oneDNN 2.6 or later is needed"
#endif

/* Where the elements of a tensor stand. Valid as long as the descriptor; strides and blocks only if `blocked`. */
typedef struct {
  int ndims;
  int blocked;
  int inner_nblks;
  dnnl_data_type_t data_type;
  dnnl_dim_t offset;
  const dnnl_dim_t *dims, *padded_dims, *strides, *inner_blks, *inner_idxs;
} snug_layout_t;

#if DNNL_VERSION_MAJOR >= 3

typedef dnnl_memory_desc_t snug_memory_desc_t;
typedef const_dnnl_memory_desc_t snug_const_memory_desc_t;

static inline void snug_memory_desc_destroy(snug_memory_desc_t descriptor) {
  dnnl_memory_desc_destroy(descriptor);
}

static inline dnnl_status_t snug_memory_desc_clone(
    snug_memory_desc_t *result, snug_const_memory_desc_t source) {
  return dnnl_memory_desc_clone(result, source);
}

static inline dnnl_status_t snug_memory_desc_with_strides(snug_memory_desc_t *result, int ndims,
    const dnnl_dim_t *dims, dnnl_data_type_t type, const dnnl_dim_t *strides) {
  return dnnl_memory_desc_create_with_strides(result, ndims, dims, type, strides);
}

static inline dnnl_status_t snug_memory_desc_with_tag(snug_memory_desc_t *result, int ndims,
    const dnnl_dim_t *dims, dnnl_data_type_t type, dnnl_format_tag_t tag) {
  return dnnl_memory_desc_create_with_tag(result, ndims, dims, type, tag);
}

static inline dnnl_status_t snug_memory_desc_permute(
    snug_memory_desc_t *result, snug_const_memory_desc_t source, const int *permutation) {
  return dnnl_memory_desc_permute_axes(result, source, permutation);
}

static inline dnnl_status_t snug_memory_desc_submemory(snug_memory_desc_t *result,
    snug_const_memory_desc_t source, const dnnl_dim_t *dims, const dnnl_dim_t *offsets) {
  return dnnl_memory_desc_create_submemory(result, source, dims, offsets);
}

static inline snug_layout_t snug_memory_desc_layout(snug_const_memory_desc_t source) {
  snug_layout_t layout;
  const dnnl_dims_t *dims = NULL, *padded = NULL, *strides = NULL, *blocks = NULL, *axes = NULL;
  dnnl_format_kind_t kind = dnnl_format_kind_undef;
  memset(&layout, 0, sizeof(layout));
  dnnl_memory_desc_query(source, dnnl_query_ndims_s32, &layout.ndims);
  dnnl_memory_desc_query(source, dnnl_query_data_type, &layout.data_type);
  dnnl_memory_desc_query(source, dnnl_query_submemory_offset_s64, &layout.offset);
  dnnl_memory_desc_query(source, dnnl_query_format_kind, &kind);
  dnnl_memory_desc_query(source, dnnl_query_dims, &dims);
  dnnl_memory_desc_query(source, dnnl_query_padded_dims, &padded);
  layout.dims = dims ? *dims : NULL;
  layout.padded_dims = padded ? *padded : NULL;
  if (kind != dnnl_blocked) return layout;
  layout.blocked = 1;
  dnnl_memory_desc_query(source, dnnl_query_inner_nblks_s32, &layout.inner_nblks);
  dnnl_memory_desc_query(source, dnnl_query_strides, &strides);
  dnnl_memory_desc_query(source, dnnl_query_inner_blks, &blocks);
  dnnl_memory_desc_query(source, dnnl_query_inner_idxs, &axes);
  layout.strides = strides ? *strides : NULL;
  layout.inner_blks = blocks ? *blocks : NULL;
  layout.inner_idxs = axes ? *axes : NULL;
  return layout;
}

/* The same layout of another element type. A descriptor of 3.x can't be changed, so it is made anew: by strides, or
 * by the name of a layout with channels in blocks. */
static inline dnnl_status_t snug_memory_desc_as(
    snug_memory_desc_t *result, snug_const_memory_desc_t source, dnnl_data_type_t type) {
  static const dnnl_format_tag_t tags[] = {dnnl_aBc16b, dnnl_aBc8b, dnnl_aBc4b, dnnl_aBc32b,
      dnnl_aBcd16b, dnnl_aBcd8b, dnnl_aBcd4b, dnnl_aBcd32b, dnnl_aBcde16b, dnnl_aBcde8b,
      dnnl_aBcde4b, dnnl_aBcde32b};
  snug_layout_t layout = snug_memory_desc_layout(source);
  size_t i;
  if (!layout.blocked || layout.offset != 0) return dnnl_unimplemented;
  if (layout.inner_nblks == 0)
    return dnnl_memory_desc_create_with_strides(
        result, layout.ndims, layout.dims, type, layout.strides);
  for (i = 0; i < sizeof(tags) / sizeof(tags[0]); ++i) {
    dnnl_memory_desc_t same;
    int equal;
    if (dnnl_memory_desc_create_with_tag(
            &same, layout.ndims, layout.dims, layout.data_type, tags[i]) != dnnl_success)
      continue;
    equal = dnnl_memory_desc_equal(same, source);
    dnnl_memory_desc_destroy(same);
    if (equal)
      return dnnl_memory_desc_create_with_tag(result, layout.ndims, layout.dims, type, tags[i]);
  }
  return dnnl_unimplemented;
}

static inline dnnl_status_t snug_post_ops_append_eltwise(
    dnnl_post_ops_t list, dnnl_alg_kind_t kind, float alpha, float beta) {
  return dnnl_post_ops_append_eltwise(list, kind, alpha, beta);
}

static inline dnnl_status_t snug_post_ops_append_sum(dnnl_post_ops_t list) {
  return dnnl_post_ops_append_sum(list, 1, 0, dnnl_data_type_undef);
}

static inline dnnl_status_t snug_concat_primitive_desc_create(dnnl_primitive_desc_t *result,
    dnnl_engine_t engine, int count, int axis, const snug_memory_desc_t *sources) {
  return dnnl_concat_primitive_desc_create(
      result, engine, NULL, count, axis, (const_dnnl_memory_desc_t const *)sources, NULL);
}

#else /* 2.x */

typedef dnnl_memory_desc_t *snug_memory_desc_t;
typedef const dnnl_memory_desc_t *snug_const_memory_desc_t;

static inline void snug_memory_desc_destroy(snug_memory_desc_t descriptor) { free(descriptor); }

static inline dnnl_status_t snug_memory_desc_clone(
    snug_memory_desc_t *result, snug_const_memory_desc_t source) {
  dnnl_memory_desc_t *copy = (dnnl_memory_desc_t *)malloc(sizeof(*copy));
  if (!copy) return dnnl_out_of_memory;
  *copy = *source;
  *result = copy;
  return dnnl_success;
}

static inline dnnl_status_t snug_memory_desc_with_strides(snug_memory_desc_t *result, int ndims,
    const dnnl_dim_t *dims, dnnl_data_type_t type, const dnnl_dim_t *strides) {
  dnnl_memory_desc_t descriptor;
  dnnl_status_t status = dnnl_memory_desc_init_by_strides(&descriptor, ndims, dims, type, strides);
  return status == dnnl_success ? snug_memory_desc_clone(result, &descriptor) : status;
}

static inline dnnl_status_t snug_memory_desc_with_tag(snug_memory_desc_t *result, int ndims,
    const dnnl_dim_t *dims, dnnl_data_type_t type, dnnl_format_tag_t tag) {
  dnnl_memory_desc_t descriptor;
  dnnl_status_t status = dnnl_memory_desc_init_by_tag(&descriptor, ndims, dims, type, tag);
  return status == dnnl_success ? snug_memory_desc_clone(result, &descriptor) : status;
}

static inline dnnl_status_t snug_memory_desc_permute(
    snug_memory_desc_t *result, snug_const_memory_desc_t source, const int *permutation) {
  dnnl_memory_desc_t descriptor;
  dnnl_status_t status = dnnl_memory_desc_permute_axes(&descriptor, source, permutation);
  return status == dnnl_success ? snug_memory_desc_clone(result, &descriptor) : status;
}

static inline dnnl_status_t snug_memory_desc_submemory(snug_memory_desc_t *result,
    snug_const_memory_desc_t source, const dnnl_dim_t *dims, const dnnl_dim_t *offsets) {
  dnnl_memory_desc_t descriptor;
  dnnl_status_t status = dnnl_memory_desc_init_submemory(&descriptor, source, dims, offsets);
  return status == dnnl_success ? snug_memory_desc_clone(result, &descriptor) : status;
}

static inline snug_layout_t snug_memory_desc_layout(snug_const_memory_desc_t source) {
  snug_layout_t layout;
  memset(&layout, 0, sizeof(layout));
  layout.ndims = source->ndims;
  layout.data_type = source->data_type;
  layout.offset = source->offset0;
  layout.dims = source->dims;
  layout.padded_dims = source->padded_dims;
  if (source->format_kind != dnnl_blocked) return layout;
  layout.blocked = 1;
  layout.inner_nblks = source->format_desc.blocking.inner_nblks;
  layout.strides = source->format_desc.blocking.strides;
  layout.inner_blks = source->format_desc.blocking.inner_blks;
  layout.inner_idxs = source->format_desc.blocking.inner_idxs;
  return layout;
}

static inline dnnl_status_t snug_memory_desc_as(
    snug_memory_desc_t *result, snug_const_memory_desc_t source, dnnl_data_type_t type) {
  dnnl_status_t status = snug_memory_desc_clone(result, source);
  if (status == dnnl_success) (*result)->data_type = type;
  return status;
}

static inline dnnl_status_t snug_post_ops_append_eltwise(
    dnnl_post_ops_t list, dnnl_alg_kind_t kind, float alpha, float beta) {
  return dnnl_post_ops_append_eltwise(list, 1, kind, alpha, beta);
}

static inline dnnl_status_t snug_post_ops_append_sum(dnnl_post_ops_t list) {
  return dnnl_post_ops_append_sum(list, 1);
}

static inline dnnl_status_t snug_concat_primitive_desc_create(dnnl_primitive_desc_t *result,
    dnnl_engine_t engine, int count, int axis, const snug_memory_desc_t *sources) {
  dnnl_memory_desc_t *list = (dnnl_memory_desc_t *)malloc(sizeof(*list) * (size_t)count);
  dnnl_status_t status;
  int i;
  if (!list) return dnnl_out_of_memory;
  for (i = 0; i < count; ++i) list[i] = *sources[i];
  status = dnnl_concat_primitive_desc_create(result, NULL, count, axis, list, NULL, engine);
  free(list);
  return status;
}

/* The calls of 3.x by their own names. */

#define SNUG_MAKE(operation, initialised, hint) \
  dnnl_status_t status = (initialised); \
  return status == dnnl_success \
      ? dnnl_primitive_desc_create(result, &operation, attributes, engine, hint) \
      : status

#define SNUG_GEOMETRY_PARAMETERS \
  const dnnl_dim_t *strides, const dnnl_dim_t *dilates, const dnnl_dim_t *begin, \
      const dnnl_dim_t *end
#define SNUG_GEOMETRY strides, dilates, begin, end

/* A convolution (`name` convolution) or a transposed one (`name` deconvolution), and its gradients. */
#define SNUG_CONVOLUTION(name) \
  static inline dnnl_status_t dnnl_##name##_forward_primitive_desc_create( \
      dnnl_primitive_desc_t *result, dnnl_engine_t engine, dnnl_prop_kind_t prop, \
      dnnl_alg_kind_t kind, snug_const_memory_desc_t source, snug_const_memory_desc_t weights, \
      snug_const_memory_desc_t bias, snug_const_memory_desc_t destination, \
      SNUG_GEOMETRY_PARAMETERS, const_dnnl_primitive_attr_t attributes) { \
    dnnl_##name##_desc_t operation; \
    SNUG_MAKE(operation, \
        dnnl_dilated_##name##_forward_desc_init(&operation, prop, kind, source, weights, bias, \
            destination, SNUG_GEOMETRY), \
        NULL); \
  } \
  static inline dnnl_status_t dnnl_##name##_backward_data_primitive_desc_create( \
      dnnl_primitive_desc_t *result, dnnl_engine_t engine, dnnl_alg_kind_t kind, \
      snug_const_memory_desc_t source, snug_const_memory_desc_t weights, \
      snug_const_memory_desc_t destination, SNUG_GEOMETRY_PARAMETERS, \
      const_dnnl_primitive_desc_t hint, const_dnnl_primitive_attr_t attributes) { \
    dnnl_##name##_desc_t operation; \
    SNUG_MAKE(operation, \
        dnnl_dilated_##name##_backward_data_desc_init( \
            &operation, kind, source, weights, destination, SNUG_GEOMETRY), \
        hint); \
  } \
  static inline dnnl_status_t dnnl_##name##_backward_weights_primitive_desc_create( \
      dnnl_primitive_desc_t *result, dnnl_engine_t engine, dnnl_alg_kind_t kind, \
      snug_const_memory_desc_t source, snug_const_memory_desc_t weights, \
      snug_const_memory_desc_t bias, snug_const_memory_desc_t destination, \
      SNUG_GEOMETRY_PARAMETERS, const_dnnl_primitive_desc_t hint, \
      const_dnnl_primitive_attr_t attributes) { \
    dnnl_##name##_desc_t operation; \
    SNUG_MAKE(operation, \
        dnnl_dilated_##name##_backward_weights_desc_init( \
            &operation, kind, source, weights, bias, destination, SNUG_GEOMETRY), \
        hint); \
  }

SNUG_CONVOLUTION(convolution)
SNUG_CONVOLUTION(deconvolution)

static inline dnnl_status_t dnnl_matmul_primitive_desc_create(dnnl_primitive_desc_t *result,
    dnnl_engine_t engine, snug_const_memory_desc_t source, snug_const_memory_desc_t weights,
    snug_const_memory_desc_t bias, snug_const_memory_desc_t destination,
    const_dnnl_primitive_attr_t attributes) {
  dnnl_matmul_desc_t operation;
  SNUG_MAKE(
      operation, dnnl_matmul_desc_init(&operation, source, weights, bias, destination), NULL);
}

/* 2.x has one descriptor for source and destination, which therefore are of one layout here. */
static inline dnnl_status_t dnnl_eltwise_forward_primitive_desc_create(
    dnnl_primitive_desc_t *result, dnnl_engine_t engine, dnnl_prop_kind_t prop,
    dnnl_alg_kind_t kind, snug_const_memory_desc_t source, snug_const_memory_desc_t destination,
    float alpha, float beta, const_dnnl_primitive_attr_t attributes) {
  dnnl_eltwise_desc_t operation;
  if (!dnnl_memory_desc_equal(source, destination)) return dnnl_unimplemented;
  SNUG_MAKE(operation,
      dnnl_eltwise_forward_desc_init(&operation, prop, kind, source, alpha, beta), NULL);
}

static inline dnnl_status_t dnnl_eltwise_backward_primitive_desc_create(
    dnnl_primitive_desc_t *result, dnnl_engine_t engine, dnnl_alg_kind_t kind,
    snug_const_memory_desc_t source_gradient, snug_const_memory_desc_t destination_gradient,
    snug_const_memory_desc_t data, float alpha, float beta, const_dnnl_primitive_desc_t hint,
    const_dnnl_primitive_attr_t attributes) {
  dnnl_eltwise_desc_t operation;
  if (!dnnl_memory_desc_equal(source_gradient, destination_gradient)) return dnnl_unimplemented;
  SNUG_MAKE(operation,
      dnnl_eltwise_backward_desc_init(&operation, kind, source_gradient, data, alpha, beta), hint);
}

static inline dnnl_status_t dnnl_binary_primitive_desc_create(dnnl_primitive_desc_t *result,
    dnnl_engine_t engine, dnnl_alg_kind_t kind, snug_const_memory_desc_t first,
    snug_const_memory_desc_t second, snug_const_memory_desc_t destination,
    const_dnnl_primitive_attr_t attributes) {
  dnnl_binary_desc_t operation;
  SNUG_MAKE(operation, dnnl_binary_desc_init(&operation, kind, first, second, destination), NULL);
}

static inline dnnl_status_t dnnl_softmax_forward_primitive_desc_create(
    dnnl_primitive_desc_t *result, dnnl_engine_t engine, dnnl_prop_kind_t prop,
    dnnl_alg_kind_t kind, snug_const_memory_desc_t source, snug_const_memory_desc_t destination,
    int axis, const_dnnl_primitive_attr_t attributes) {
  dnnl_softmax_v2_desc_t operation;
  SNUG_MAKE(operation,
      dnnl_softmax_v2_forward_desc_init(&operation, prop, kind, source, destination, axis), NULL);
}

static inline dnnl_status_t dnnl_softmax_backward_primitive_desc_create(
    dnnl_primitive_desc_t *result, dnnl_engine_t engine, dnnl_alg_kind_t kind,
    snug_const_memory_desc_t source_gradient, snug_const_memory_desc_t destination_gradient,
    snug_const_memory_desc_t destination, int axis, const_dnnl_primitive_desc_t hint,
    const_dnnl_primitive_attr_t attributes) {
  dnnl_softmax_v2_desc_t operation;
  SNUG_MAKE(operation,
      dnnl_softmax_v2_backward_desc_init(
          &operation, kind, source_gradient, destination_gradient, destination, axis),
      hint);
}

static inline dnnl_status_t dnnl_pooling_forward_primitive_desc_create(
    dnnl_primitive_desc_t *result, dnnl_engine_t engine, dnnl_prop_kind_t prop,
    dnnl_alg_kind_t kind, snug_const_memory_desc_t source, snug_const_memory_desc_t destination,
    const dnnl_dim_t *strides, const dnnl_dim_t *kernel, const dnnl_dim_t *dilates,
    const dnnl_dim_t *begin, const dnnl_dim_t *end, const_dnnl_primitive_attr_t attributes) {
  dnnl_pooling_v2_desc_t operation;
  SNUG_MAKE(operation,
      dnnl_pooling_v2_forward_desc_init(&operation, prop, kind, source, destination, strides,
          kernel, dilates, begin, end),
      NULL);
}

static inline dnnl_status_t dnnl_pooling_backward_primitive_desc_create(
    dnnl_primitive_desc_t *result, dnnl_engine_t engine, dnnl_alg_kind_t kind,
    snug_const_memory_desc_t source_gradient, snug_const_memory_desc_t destination_gradient,
    const dnnl_dim_t *strides, const dnnl_dim_t *kernel, const dnnl_dim_t *dilates,
    const dnnl_dim_t *begin, const dnnl_dim_t *end, const_dnnl_primitive_desc_t hint,
    const_dnnl_primitive_attr_t attributes) {
  dnnl_pooling_v2_desc_t operation;
  SNUG_MAKE(operation,
      dnnl_pooling_v2_backward_desc_init(&operation, kind, source_gradient, destination_gradient,
          strides, kernel, dilates, begin, end),
      hint);
}

static inline dnnl_status_t dnnl_reduction_primitive_desc_create(dnnl_primitive_desc_t *result,
    dnnl_engine_t engine, dnnl_alg_kind_t kind, snug_const_memory_desc_t source,
    snug_const_memory_desc_t destination, float p, float epsilon,
    const_dnnl_primitive_attr_t attributes) {
  dnnl_reduction_desc_t operation;
  SNUG_MAKE(operation,
      dnnl_reduction_desc_init(&operation, kind, source, destination, p, epsilon), NULL);
}

#undef SNUG_CONVOLUTION
#undef SNUG_GEOMETRY
#undef SNUG_GEOMETRY_PARAMETERS
#undef SNUG_MAKE

#endif
#endif
