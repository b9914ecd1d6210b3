import COneDNN

/// How a convolution's gradients are computed.
package enum ConvolutionAlgorithm: Sendable, Hashable {
  /// The products are those of the definition.
  case direct
  /// There are fewer products, on transformed tiles, for dense 3x3 kernels without strides. Rounding errors are
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
  /// The gradient of a convolution's input; the layout of any operand may be left to oneDNN.
  ///
  /// - Parameter forward: the convolution itself, in single precision.
  package static func convolutionInputGradient(
    _ engine: Engine, source: MemoryDescriptor, weights: MemoryDescriptor,
    destination: MemoryDescriptor, _ geometry: ConvolutionGeometry,
    _ algorithm: ConvolutionAlgorithm, forward: PrimitiveDescriptor
  ) throws(EngineError) -> PrimitiveDescriptor {
    let geometry = geometry.raw
    return try PrimitiveDescriptor(engine, "dnnl_convolution_backward_data_primitive_desc_create") {
      dnnl_convolution_backward_data_primitive_desc_create(
        $0, engine.handle, algorithm.raw, source.raw, weights.raw, destination.raw,
        geometry.strides, geometry.dilations,
        geometry.padBegin, geometry.padEnd, forward.handle, $1)
    }
  }

  /// The gradient of a convolution's weights, and of its bias where that is given.
  package static func convolutionWeightGradient(
    _ engine: Engine, source: MemoryDescriptor, weights: MemoryDescriptor,
    bias: MemoryDescriptor?, destination: MemoryDescriptor, _ geometry: ConvolutionGeometry,
    _ algorithm: ConvolutionAlgorithm, forward: PrimitiveDescriptor
  ) throws(EngineError) -> PrimitiveDescriptor {
    let geometry = geometry.raw
    return try PrimitiveDescriptor(
      engine, "dnnl_convolution_backward_weights_primitive_desc_create"
    ) {
      dnnl_convolution_backward_weights_primitive_desc_create(
        $0, engine.handle, algorithm.raw, source.raw, weights.raw, bias?.raw, destination.raw,
        geometry.strides, geometry.dilations,
        geometry.padBegin, geometry.padEnd, forward.handle, $1)
    }
  }

  /// The gradient of a transposed convolution's input.
  package static func transposedConvolutionInputGradient(
    _ engine: Engine, source: MemoryDescriptor, weights: MemoryDescriptor,
    destination: MemoryDescriptor, _ geometry: ConvolutionGeometry, forward: PrimitiveDescriptor
  ) throws(EngineError) -> PrimitiveDescriptor {
    let geometry = geometry.raw
    return try PrimitiveDescriptor(engine, "dnnl_deconvolution_backward_data_primitive_desc_create")
    {
      dnnl_deconvolution_backward_data_primitive_desc_create(
        $0, engine.handle, dnnl_deconvolution_direct, source.raw, weights.raw, destination.raw,
        geometry.strides, geometry.dilations,
        geometry.padBegin, geometry.padEnd, forward.handle, $1)
    }
  }

  /// The gradient of a transposed convolution's weights, and of its bias where that is given.
  package static func transposedConvolutionWeightGradient(
    _ engine: Engine, source: MemoryDescriptor, weights: MemoryDescriptor,
    bias: MemoryDescriptor?, destination: MemoryDescriptor, _ geometry: ConvolutionGeometry,
    forward: PrimitiveDescriptor
  ) throws(EngineError) -> PrimitiveDescriptor {
    let geometry = geometry.raw
    return try PrimitiveDescriptor(
      engine, "dnnl_deconvolution_backward_weights_primitive_desc_create"
    ) {
      dnnl_deconvolution_backward_weights_primitive_desc_create(
        $0, engine.handle, dnnl_deconvolution_direct, source.raw, weights.raw, bias?.raw,
        destination.raw, geometry.strides, geometry.dilations,
        geometry.padBegin, geometry.padEnd, forward.handle, $1)
    }
  }

  /// The gradient of a pooling's input; `source` is the layout in which it is written.
  ///
  /// - Parameter forward: made by ``pooling(_:_:source:destination:kernel:_:isTrained:)`` for training.
  package static func poolingGradient(
    _ engine: Engine, _ function: PoolingFunction, source: MemoryDescriptor,
    destination: MemoryDescriptor, kernel: [Int], _ geometry: ConvolutionGeometry,
    forward: PrimitiveDescriptor
  ) throws(EngineError) -> PrimitiveDescriptor {
    let geometry = geometry.raw
    return try PrimitiveDescriptor(engine, "dnnl_pooling_backward_primitive_desc_create") {
      dnnl_pooling_backward_primitive_desc_create(
        $0, engine.handle, function.raw, source.raw, destination.raw, geometry.strides,
        kernel.map(Int64.init), geometry.dilations, geometry.padBegin, geometry.padEnd,
        forward.handle, $1)
    }
  }

  /// The gradient of an element-wise function from its input; the gradients of output and input have the same layout
  /// and may be the same memory.
  package static func elementwiseGradient(
    _ engine: Engine, _ function: ElementwiseFunction, _ layout: MemoryDescriptor
  ) throws(EngineError) -> PrimitiveDescriptor {
    let forward = try elementwise(engine, function, layout)
    let (kind, alpha, beta) = function.raw
    return try PrimitiveDescriptor(engine, "dnnl_eltwise_backward_primitive_desc_create") {
      dnnl_eltwise_backward_primitive_desc_create(
        $0, engine.handle, kind, layout.raw, layout.raw, layout.raw, alpha, beta, forward.handle,
        $1)
    }
  }

  /// The gradient of softmax from its output.
  package static func softmaxGradient(_ engine: Engine, _ layout: MemoryDescriptor, axis: Int)
    throws(EngineError) -> PrimitiveDescriptor
  {
    let forward = try softmax(engine, layout, axis: axis)
    return try PrimitiveDescriptor(engine, "dnnl_softmax_backward_primitive_desc_create") {
      dnnl_softmax_backward_primitive_desc_create(
        $0, engine.handle, dnnl_softmax_accurate, layout.raw, layout.raw, layout.raw, Int32(axis),
        forward.handle, $1)
    }
  }
}
