import COneDNN

/// The function that reduces a pooling window to one number.
package enum PoolingFunction: Sendable, Hashable {
  case maximum
  case averageExcludingPadding, averageIncludingPadding

  var raw: dnnl_alg_kind_t {
    switch self {
    case .maximum: dnnl_pooling_max
    case .averageExcludingPadding: dnnl_pooling_avg_exclude_padding
    case .averageIncludingPadding: dnnl_pooling_avg_include_padding
    }
  }
}

extension PrimitiveDescriptor {
  /// Pooling of `source` into the shape of `destination`.
  ///
  /// - Parameter isTrained: whether to write the workspace that
  ///   ``poolingGradient(_:_:source:destination:kernel:_:forward:)`` reads.
  package static func pooling(
    _ engine: Engine, _ function: PoolingFunction, source: MemoryDescriptor,
    destination: MemoryDescriptor, kernel: [Int], _ geometry: ConvolutionGeometry,
    isTrained: Bool = false
  ) throws(EngineError) -> PrimitiveDescriptor {
    let geometry = geometry.raw
    return try PrimitiveDescriptor(engine, "dnnl_pooling_forward_primitive_desc_create") {
      dnnl_pooling_forward_primitive_desc_create(
        $0, engine.handle, isTrained ? dnnl_forward_training : dnnl_forward_inference,
        function.raw, source.raw, destination.raw, geometry.strides, kernel.map(Int64.init),
        geometry.dilations, geometry.padBegin, geometry.padEnd, $1)
    }
  }

  /// Softmax over one axis; source and destination have the same layout, and may be the same memory.
  package static func softmax(_ engine: Engine, _ layout: MemoryDescriptor, axis: Int)
    throws(EngineError) -> PrimitiveDescriptor
  {
    try PrimitiveDescriptor(engine, "dnnl_softmax_forward_primitive_desc_create") {
      dnnl_softmax_forward_primitive_desc_create(
        $0, engine.handle, dnnl_forward_inference, dnnl_softmax_accurate, layout.raw, layout.raw,
        Int32(axis), $1)
    }
  }

  /// The mean over the axes in which `destination` has size 1.
  package static func mean(
    _ engine: Engine, source: MemoryDescriptor, destination: MemoryDescriptor
  ) throws(EngineError) -> PrimitiveDescriptor {
    try PrimitiveDescriptor(engine, "dnnl_reduction_primitive_desc_create") {
      dnnl_reduction_primitive_desc_create(
        $0, engine.handle, dnnl_reduction_mean, source.raw, destination.raw, 0, 0, $1)
    }
  }
}
