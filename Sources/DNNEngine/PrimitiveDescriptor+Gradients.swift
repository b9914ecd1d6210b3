import COneDNN

/// How a convolution's gradients are computed.
public enum ConvolutionAlgorithm: Sendable, Hashable {
  /// Products as the definition has them.
  case direct
  /// Fewer products on transformed tiles, for dense 3x3 kernels without strides; rounding errors are
  /// larger by one to two decimal digits, which gradients tolerate and integers would not.
  case winograd

  fileprivate var raw: dnnl_alg_kind_t {
    switch self {
    case .direct: dnnl_convolution_direct
    case .winograd: dnnl_convolution_winograd
    }
  }
}

extension PrimitiveDescriptor {
  /// The gradient of a convolution's input; layouts of any operand may be left to oneDNN.
  ///
  /// - Parameter forward: the convolution itself, in single precision.
  public static func convolutionInputGradient(
    _ engine: Engine, source: MemoryDescriptor, weights: MemoryDescriptor,
    destination: MemoryDescriptor, _ geometry: ConvolutionGeometry,
    _ algorithm: ConvolutionAlgorithm, forward: PrimitiveDescriptor
  ) throws(EngineError) -> PrimitiveDescriptor {
    var operation = dnnl_convolution_desc_t()
    var (x, w, y) = (source.raw, weights.raw, destination.raw)
    try check(
      "dnnl_dilated_convolution_backward_data_desc_init",
      dnnl_dilated_convolution_backward_data_desc_init(
        &operation, algorithm.raw, &x, &w, &y, geometry.strides.map(Int64.init),
        geometry.dilations.map { Int64($0 - 1) }, geometry.padBegin.map(Int64.init),
        geometry.padEnd.map(Int64.init)))
    return try make(engine, &operation, hint: forward)
  }

  /// The gradient of a convolution's weights, and of its bias where that is given.
  public static func convolutionWeightGradient(
    _ engine: Engine, source: MemoryDescriptor, weights: MemoryDescriptor,
    bias: MemoryDescriptor?, destination: MemoryDescriptor, _ geometry: ConvolutionGeometry,
    _ algorithm: ConvolutionAlgorithm, forward: PrimitiveDescriptor
  ) throws(EngineError) -> PrimitiveDescriptor {
    var operation = dnnl_convolution_desc_t()
    var (x, w, y) = (source.raw, weights.raw, destination.raw)
    let status = withOptional(bias?.raw) { b in
      dnnl_dilated_convolution_backward_weights_desc_init(
        &operation, algorithm.raw, &x, &w, b, &y, geometry.strides.map(Int64.init),
        geometry.dilations.map { Int64($0 - 1) }, geometry.padBegin.map(Int64.init),
        geometry.padEnd.map(Int64.init))
    }
    try check("dnnl_dilated_convolution_backward_weights_desc_init", status)
    return try make(engine, &operation, hint: forward)
  }

  /// The gradient of a transposed convolution's input.
  public static func transposedConvolutionInputGradient(
    _ engine: Engine, source: MemoryDescriptor, weights: MemoryDescriptor,
    destination: MemoryDescriptor, _ geometry: ConvolutionGeometry, forward: PrimitiveDescriptor
  ) throws(EngineError) -> PrimitiveDescriptor {
    var operation = dnnl_deconvolution_desc_t()
    var (x, w, y) = (source.raw, weights.raw, destination.raw)
    try check(
      "dnnl_dilated_deconvolution_backward_data_desc_init",
      dnnl_dilated_deconvolution_backward_data_desc_init(
        &operation, dnnl_deconvolution_direct, &x, &w, &y, geometry.strides.map(Int64.init),
        geometry.dilations.map { Int64($0 - 1) }, geometry.padBegin.map(Int64.init),
        geometry.padEnd.map(Int64.init)))
    return try make(engine, &operation, hint: forward)
  }

  /// The gradient of a transposed convolution's weights, and of its bias where that is given.
  public static func transposedConvolutionWeightGradient(
    _ engine: Engine, source: MemoryDescriptor, weights: MemoryDescriptor,
    bias: MemoryDescriptor?, destination: MemoryDescriptor, _ geometry: ConvolutionGeometry,
    forward: PrimitiveDescriptor
  ) throws(EngineError) -> PrimitiveDescriptor {
    var operation = dnnl_deconvolution_desc_t()
    var (x, w, y) = (source.raw, weights.raw, destination.raw)
    let status = withOptional(bias?.raw) { b in
      dnnl_dilated_deconvolution_backward_weights_desc_init(
        &operation, dnnl_deconvolution_direct, &x, &w, b, &y, geometry.strides.map(Int64.init),
        geometry.dilations.map { Int64($0 - 1) }, geometry.padBegin.map(Int64.init),
        geometry.padEnd.map(Int64.init))
    }
    try check("dnnl_dilated_deconvolution_backward_weights_desc_init", status)
    return try make(engine, &operation, hint: forward)
  }

  /// The gradient of a pooling's input; `source` is the layout in which it is written.
  ///
  /// - Parameter forward: made by ``pooling(_:_:source:destination:kernel:_:isTrained:)`` for training.
  public static func poolingGradient(
    _ engine: Engine, _ function: PoolingFunction, source: MemoryDescriptor,
    destination: MemoryDescriptor, kernel: [Int], _ geometry: ConvolutionGeometry,
    forward: PrimitiveDescriptor
  ) throws(EngineError) -> PrimitiveDescriptor {
    var operation = dnnl_pooling_v2_desc_t()
    var (x, y) = (source.raw, destination.raw)
    try check(
      "dnnl_pooling_v2_backward_desc_init",
      dnnl_pooling_v2_backward_desc_init(
        &operation, function.raw, &x, &y, geometry.strides.map(Int64.init),
        kernel.map(Int64.init), geometry.dilations.map { Int64($0 - 1) },
        geometry.padBegin.map(Int64.init), geometry.padEnd.map(Int64.init)))
    return try make(engine, &operation, hint: forward)
  }

  /// The gradient of an element-wise function from its input; gradient in and out have that layout and
  /// may be the same memory.
  public static func elementwiseGradient(
    _ engine: Engine, _ function: ElementwiseFunction, _ layout: MemoryDescriptor
  ) throws(EngineError) -> PrimitiveDescriptor {
    let forward = try elementwise(engine, function, layout)
    var operation = dnnl_eltwise_desc_t()
    var (gradient, data) = (layout.raw, layout.raw)
    let (kind, alpha, beta) = function.raw
    try check(
      "dnnl_eltwise_backward_desc_init",
      dnnl_eltwise_backward_desc_init(&operation, kind, &gradient, &data, alpha, beta))
    return try make(engine, &operation, hint: forward)
  }

  /// The gradient of softmax from its output.
  public static func softmaxGradient(_ engine: Engine, _ layout: MemoryDescriptor, axis: Int)
    throws(EngineError) -> PrimitiveDescriptor
  {
    let forward = try softmax(engine, layout, axis: axis)
    var operation = dnnl_softmax_v2_desc_t()
    var (dx, dy, y) = (layout.raw, layout.raw, layout.raw)
    try check(
      "dnnl_softmax_v2_backward_desc_init",
      dnnl_softmax_v2_backward_desc_init(
        &operation, dnnl_softmax_accurate, &dx, &dy, &y, Int32(axis)))
    return try make(engine, &operation, hint: forward)
  }
}
