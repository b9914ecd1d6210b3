import COneDNN

/// An element-wise function with up to two parameters.
package enum ElementwiseFunction: Sendable, Hashable {
  /// `x` where it is positive, otherwise `slope * x`.
  case relu(slope: Float)
  case clip(low: Float, high: Float)
  case sigmoid, tanh, squareRoot, exponential, logarithm, magnitude
  /// `x` where it is positive, otherwise `alpha * (e ^ x - 1)`.
  case elu(alpha: Float)
  /// The Gaussian error linear unit: exact, by the error function, and approximated by the hyperbolic tangent.
  case gelu, geluTanh
  /// `x * max(0, min(1, x / 6 + 0.5))`.
  case hardSwish
  /// `x / (1 + e ^ -(alpha * x))`.
  case swish(alpha: Float)

  var raw: (dnnl_alg_kind_t, Float, Float) {
    switch self {
    case .relu(let slope): (dnnl_eltwise_relu, slope, 0)
    case .clip(let low, let high): (dnnl_eltwise_clip_v2, low, high)
    case .sigmoid: (dnnl_eltwise_logistic, 0, 0)
    case .tanh: (dnnl_eltwise_tanh, 0, 0)
    case .squareRoot: (dnnl_eltwise_sqrt, 0, 0)
    case .exponential: (dnnl_eltwise_exp, 0, 0)
    case .logarithm: (dnnl_eltwise_log, 0, 0)
    case .magnitude: (dnnl_eltwise_abs, 0, 0)
    case .elu(let alpha): (dnnl_eltwise_elu, alpha, 0)
    case .gelu: (dnnl_eltwise_gelu_erf, 0, 0)
    case .geluTanh: (dnnl_eltwise_gelu_tanh, 0, 0)
    case .hardSwish: (dnnl_eltwise_hardswish, 1.0 / 6, 0.5)
    case .swish(let alpha): (dnnl_eltwise_swish, alpha, 0)
    }
  }

  /// Whether the function maps 0 to 0, so that the padding of a layout may be computed along with the elements.
  package var keepsZero: Bool {
    switch self {
    case .relu, .tanh, .squareRoot, .magnitude, .elu, .gelu, .geluTanh, .hardSwish, .swish: true
    case .clip(let low, let high): low <= 0 && high >= 0
    case .sigmoid, .exponential, .logarithm: false
    }
  }
}

/// An element-wise function of two tensors.
package enum BinaryFunction: Sendable, Hashable {
  case add, subtract, multiply, divide

  var raw: dnnl_alg_kind_t {
    switch self {
    case .add: dnnl_binary_add
    case .subtract: dnnl_binary_sub
    case .multiply: dnnl_binary_mul
    case .divide: dnnl_binary_div
    }
  }
}

extension PrimitiveDescriptor {
  /// An element-wise function of one tensor. Source and destination have the same layout, and may be the same memory.
  package static func elementwise(
    _ engine: Engine, _ function: ElementwiseFunction, _ layout: MemoryDescriptor
  ) throws(EngineError) -> PrimitiveDescriptor {
    let (kind, alpha, beta) = function.raw
    return try PrimitiveDescriptor(engine, "dnnl_eltwise_forward_primitive_desc_create") {
      dnnl_eltwise_forward_primitive_desc_create(
        $0, engine.handle, dnnl_forward_inference, kind, layout.raw, layout.raw, alpha, beta, $1)
    }
  }

  /// An element-wise function of two tensors. Operands and result have the same shape and layout; the result may be
  /// the memory of the first operand.
  package static func binary(
    _ engine: Engine, _ function: BinaryFunction, _ layout: MemoryDescriptor,
    post operations: [PostOperation] = []
  ) throws(EngineError) -> PrimitiveDescriptor {
    try PrimitiveDescriptor(engine, "dnnl_binary_primitive_desc_create", post: operations) {
      dnnl_binary_primitive_desc_create(
        $0, engine.handle, function.raw, layout.raw, layout.raw, layout.raw, $1)
    }
  }

  /// A copy of a tensor from one layout to another.
  package static func reorder(
    _ engine: Engine, from source: MemoryDescriptor, to destination: MemoryDescriptor
  ) throws(EngineError) -> PrimitiveDescriptor {
    try PrimitiveDescriptor(engine, "dnnl_reorder_primitive_desc_create") {
      dnnl_reorder_primitive_desc_create(
        $0, source.raw, engine.handle, destination.raw, engine.handle, $1)
    }
  }

  /// A concatenation of tensors along an axis; oneDNN chooses the destination's layout.
  package static func concatenation(
    _ engine: Engine, _ sources: [MemoryDescriptor], axis: Int
  ) throws(EngineError) -> PrimitiveDescriptor {
    let raw: [snug_memory_desc_t?] = sources.map(\.raw)
    return try PrimitiveDescriptor(engine, "dnnl_concat_primitive_desc_create") { result, _ in
      snug_concat_primitive_desc_create(
        result, engine.handle, Int32(raw.count), Int32(axis), raw)
    }
  }
}
