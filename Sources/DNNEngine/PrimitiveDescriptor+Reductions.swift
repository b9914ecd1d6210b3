import COneDNN

/// How a pooling window becomes one number.
public enum PoolingFunction: Sendable, Hashable {
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
  /// - Parameter isTrained: true to write the workspace that ``poolingGradient`` reads.
  public static func pooling(
    _ engine: Engine, _ function: PoolingFunction, source: MemoryDescriptor,
    destination: MemoryDescriptor, kernel: [Int], _ geometry: ConvolutionGeometry,
    isTrained: Bool = false
  ) throws(EngineError) -> PrimitiveDescriptor {
    var operation = dnnl_pooling_v2_desc_t()
    var (x, y) = (source.raw, destination.raw)
    try check(
      "dnnl_pooling_v2_forward_desc_init",
      dnnl_pooling_v2_forward_desc_init(
        &operation, isTrained ? dnnl_forward_training : dnnl_forward_inference, function.raw, &x,
        &y, geometry.strides.map(Int64.init), kernel.map(Int64.init),
        geometry.dilations.map { Int64($0 - 1) }, geometry.padBegin.map(Int64.init),
        geometry.padEnd.map(Int64.init)))
    return try make(engine, &operation)
  }

  /// Softmax over one axis; source and destination have the same layout, and may be the same memory.
  public static func softmax(_ engine: Engine, _ layout: MemoryDescriptor, axis: Int)
    throws(EngineError) -> PrimitiveDescriptor
  {
    var operation = dnnl_softmax_v2_desc_t()
    var (x, y) = (layout.raw, layout.raw)
    try check(
      "dnnl_softmax_v2_forward_desc_init",
      dnnl_softmax_v2_forward_desc_init(
        &operation, dnnl_forward_inference, dnnl_softmax_accurate, &x, &y, Int32(axis)))
    return try make(engine, &operation)
  }

  /// The mean over the axes in which `destination` has size 1.
  public static func mean(
    _ engine: Engine, source: MemoryDescriptor, destination: MemoryDescriptor
  ) throws(EngineError) -> PrimitiveDescriptor {
    var operation = dnnl_reduction_desc_t()
    var (x, y) = (source.raw, destination.raw)
    try check(
      "dnnl_reduction_desc_init",
      dnnl_reduction_desc_init(&operation, dnnl_reduction_mean, &x, &y, 0, 0))
    return try make(engine, &operation)
  }
}
