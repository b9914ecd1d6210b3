import COneDNN

/// An operation that a primitive applies to its result before it writes it.
package enum PostOperation: Sendable, Hashable {
  /// `x` where it is positive, otherwise `slope * x`.
  case relu(slope: Float)
  case clip(low: Float, high: Float)
  /// Adds the previous content of the result's memory.
  case accumulate
}

/// Owns the attributes of a primitive while its descriptor is made.
final class PrimitiveAttributes {
  let handle: dnnl_primitive_attr_t

  init(_ operations: [PostOperation]) throws(EngineError) {
    var attributes: dnnl_primitive_attr_t?
    try check("dnnl_primitive_attr_create", dnnl_primitive_attr_create(&attributes))
    guard let attributes else {
      throw .call(function: "dnnl_primitive_attr_create", status: .runtimeError)
    }
    handle = attributes
    try check(
      "dnnl_primitive_attr_set_scratchpad_mode",
      dnnl_primitive_attr_set_scratchpad_mode(handle, dnnl_scratchpad_mode_user))
    if operations.isEmpty { return }
    var list: dnnl_post_ops_t?
    try check("dnnl_post_ops_create", dnnl_post_ops_create(&list))
    defer { dnnl_post_ops_destroy(list) }
    for operation in operations {
      switch operation {
      case .relu(let slope):
        try check(
          "dnnl_post_ops_append_eltwise",
          snug_post_ops_append_eltwise(list, dnnl_eltwise_relu, slope, 0))
      case .clip(let low, let high):
        try check(
          "dnnl_post_ops_append_eltwise",
          snug_post_ops_append_eltwise(list, dnnl_eltwise_clip_v2, low, high))
      case .accumulate:
        try check("dnnl_post_ops_append_sum", snug_post_ops_append_sum(list))
      }
    }
    try check(
      "dnnl_primitive_attr_set_post_ops", dnnl_primitive_attr_set_post_ops(handle, list))
  }

  deinit { dnnl_primitive_attr_destroy(handle) }
}
