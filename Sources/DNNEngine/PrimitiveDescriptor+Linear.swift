import COneDNN

/// The geometry of a convolution, whose lists have one entry for each spatial axis.
package struct ConvolutionGeometry: Sendable, Hashable {
  package var strides: [Int]
  /// The distance between taps of the kernel; 1 for a dense kernel, as in ONNX.
  package var dilations: [Int]
  package var padBegin: [Int]
  package var padEnd: [Int]

  package init(strides: [Int], dilations: [Int], padBegin: [Int], padEnd: [Int]) {
    self.strides = strides
    self.dilations = dilations
    self.padBegin = padBegin
    self.padEnd = padEnd
  }

  /// The lists in oneDNN's form, in which dilations count the gaps between taps.
  var raw: (strides: [Int64], dilations: [Int64], padBegin: [Int64], padEnd: [Int64]) {
    (
      strides.map(Int64.init), dilations.map { Int64($0 - 1) }, padBegin.map(Int64.init),
      padEnd.map(Int64.init)
    )
  }
}

extension PrimitiveDescriptor {
  /// A convolution without flipping. The weights have shape `[O, I, kernel]`, or `[G, O/G, I/G, kernel]` for G
  /// groups, with O output and I input channels.
  package static func convolution(
    _ engine: Engine, source: MemoryDescriptor, weights: MemoryDescriptor,
    bias: MemoryDescriptor?, destination: MemoryDescriptor, _ geometry: ConvolutionGeometry,
    post operations: [PostOperation] = []
  ) throws(EngineError) -> PrimitiveDescriptor {
    let geometry = geometry.raw
    return try PrimitiveDescriptor(
      engine, "dnnl_convolution_forward_primitive_desc_create", post: operations
    ) {
      dnnl_convolution_forward_primitive_desc_create(
        $0, engine.handle, dnnl_forward_inference, dnnl_convolution_direct, source.raw, weights.raw,
        bias?.raw,
        destination.raw, geometry.strides, geometry.dilations, geometry.padBegin, geometry.padEnd,
        $1)
    }
  }

  /// The transposed convolution. The weights have shape `[O, I, kernel]`, or `[G, O/G, I/G, kernel]` for G groups,
  /// with O output and I input channels.
  package static func transposedConvolution(
    _ engine: Engine, source: MemoryDescriptor, weights: MemoryDescriptor,
    bias: MemoryDescriptor?, destination: MemoryDescriptor, _ geometry: ConvolutionGeometry
  ) throws(EngineError) -> PrimitiveDescriptor {
    let geometry = geometry.raw
    return try PrimitiveDescriptor(
      engine, "dnnl_deconvolution_forward_primitive_desc_create"
    ) {
      dnnl_deconvolution_forward_primitive_desc_create(
        $0, engine.handle, dnnl_forward_inference, dnnl_deconvolution_direct, source.raw,
        weights.raw, bias?.raw,
        destination.raw, geometry.strides, geometry.dilations, geometry.padBegin, geometry.padEnd,
        $1)
    }
  }

  /// A product of stacks of matrices of shapes `[..., M, K]` and `[..., K, N]`; leading dimensions and the bias
  /// broadcast.
  package static func matrixProduct(
    _ engine: Engine, source: MemoryDescriptor, weights: MemoryDescriptor,
    bias: MemoryDescriptor?, destination: MemoryDescriptor, post operations: [PostOperation] = []
  ) throws(EngineError) -> PrimitiveDescriptor {
    try PrimitiveDescriptor(engine, "dnnl_matmul_primitive_desc_create", post: operations) {
      dnnl_matmul_primitive_desc_create(
        $0, engine.handle, source.raw, weights.raw, bias?.raw, destination.raw, $1)
    }
  }
}
