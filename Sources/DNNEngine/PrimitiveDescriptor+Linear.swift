import COneDNN

// The operation descriptors of oneDNN 2.x, which 3.x replaces by calls with more parameters, are used in
// the files `PrimitiveDescriptor+*.swift` alone.

/// Geometry of a convolution; lists have one entry for each spatial axis.
public struct ConvolutionGeometry: Sendable, Hashable {
  public var strides: [Int]
  /// 1 for a dense kernel, as in ONNX.
  public var dilations: [Int]
  public var padBegin: [Int]
  public var padEnd: [Int]

  public init(strides: [Int], dilations: [Int], padBegin: [Int], padEnd: [Int]) {
    self.strides = strides
    self.dilations = dilations
    self.padBegin = padBegin
    self.padEnd = padEnd
  }
}

extension PrimitiveDescriptor {
  /// A convolution without flipping; weights `[O, I, kernel]` or `[G, O/G, I/G, kernel]`.
  public static func convolution(
    _ engine: Engine, source: MemoryDescriptor, weights: MemoryDescriptor,
    bias: MemoryDescriptor?, destination: MemoryDescriptor, _ geometry: ConvolutionGeometry,
    post operations: [PostOperation] = []
  ) throws(EngineError) -> PrimitiveDescriptor {
    var operation = dnnl_convolution_desc_t()
    var (x, w, y) = (source.raw, weights.raw, destination.raw)
    let status = withOptional(bias?.raw) { b in
      dnnl_dilated_convolution_forward_desc_init(
        &operation, dnnl_forward_inference, dnnl_convolution_direct, &x, &w, b, &y,
        geometry.strides.map(Int64.init), geometry.dilations.map { Int64($0 - 1) },
        geometry.padBegin.map(Int64.init), geometry.padEnd.map(Int64.init))
    }
    try check("dnnl_dilated_convolution_forward_desc_init", status)
    return try make(engine, &operation, operations)
  }

  /// The transposed convolution; weights `[O, I, kernel]` or `[G, O/G, I/G, kernel]`.
  public static func transposedConvolution(
    _ engine: Engine, source: MemoryDescriptor, weights: MemoryDescriptor,
    bias: MemoryDescriptor?, destination: MemoryDescriptor, _ geometry: ConvolutionGeometry
  ) throws(EngineError) -> PrimitiveDescriptor {
    var operation = dnnl_deconvolution_desc_t()
    var (x, w, y) = (source.raw, weights.raw, destination.raw)
    let status = withOptional(bias?.raw) { b in
      dnnl_dilated_deconvolution_forward_desc_init(
        &operation, dnnl_forward_inference, dnnl_deconvolution_direct, &x, &w, b, &y,
        geometry.strides.map(Int64.init), geometry.dilations.map { Int64($0 - 1) },
        geometry.padBegin.map(Int64.init), geometry.padEnd.map(Int64.init))
    }
    try check("dnnl_dilated_deconvolution_forward_desc_init", status)
    return try make(engine, &operation)
  }

  /// A product of matrices `[..., M, K]` and `[..., K, N]`; leading dimensions and the bias broadcast.
  public static func matrixProduct(
    _ engine: Engine, source: MemoryDescriptor, weights: MemoryDescriptor,
    bias: MemoryDescriptor?, destination: MemoryDescriptor, post operations: [PostOperation] = []
  ) throws(EngineError) -> PrimitiveDescriptor {
    var operation = dnnl_matmul_desc_t()
    var (x, w, y) = (source.raw, weights.raw, destination.raw)
    let status = withOptional(bias?.raw) { b in dnnl_matmul_desc_init(&operation, &x, &w, b, &y) }
    try check("dnnl_matmul_desc_init", status)
    return try make(engine, &operation, operations)
  }

  /// Calls `body` with a pointer to the value, or with `nil`.
  static func withOptional<R>(
    _ value: dnnl_memory_desc_t?, _ body: (UnsafePointer<dnnl_memory_desc_t>?) -> R
  ) -> R {
    guard var value else { return body(nil) }
    return body(&value)
  }

  /// The implementation that oneDNN prefers for an operation descriptor.
  ///
  /// - Parameter hint: the forward computation, where the operation is its gradient.
  static func make<Operation>(
    _ engine: Engine, _ operation: inout Operation, _ operations: [PostOperation] = [],
    hint: PrimitiveDescriptor? = nil
  ) throws(EngineError) -> PrimitiveDescriptor {
    let attributes = try PrimitiveAttributes(operations)
    var handle: dnnl_primitive_desc_t?
    let status = withUnsafePointer(to: &operation) {
      dnnl_primitive_desc_create(
        &handle, $0, attributes.handle, engine.handle, hint?.handle)
    }
    try check("dnnl_primitive_desc_create", status)
    return try PrimitiveDescriptor(adopting: handle, engine, "dnnl_primitive_desc_create")
  }
}
