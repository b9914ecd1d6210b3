import DNNEngine
import Execution
import GraphIR
import TensorCore

/// A pooling with its geometry.
struct PoolingLayer: Sendable {
  let function: PoolingFunction
  let kernel: [Int]
  let geometry: ConvolutionGeometry
  /// The plain loop for what oneDNN reads otherwise, `nil` where it means the same.
  let fallback: PoolingFallback?

  init(_ function: PoolingFunction, _ window: ResolvedWindow, _ context: KernelContext)
    throws(KernelError)
  {
    let input = try context.input(0)
    let output = try context.output()
    var geometry = ConvolutionGeometry(
      strides: window.strides, dilations: window.dilations, padBegin: [], padEnd: [])
    var isRegular = true
    for axis in window.kernel.indices {
      let size = input.shape[axis + 2]
      let (begin, end) = window.padding(axis, size: size)
      // Windows may end before the padding does, or after it where the number of positions is rounded up.
      let reach =
        (output.shape[axis + 2] - 1) * window.strides[axis] + window.extent(axis) - size - begin
      geometry.padBegin.append(begin)
      geometry.padEnd.append(max(reach, 0))
      // A window without any element has no maximum, and oneDNN counts positions past the padding as padding.
      if begin >= window.extent(axis) || reach >= window.extent(axis) { isRegular = false }
      if function == .averageIncludingPadding, reach > end { isRegular = false }
      if window.dilations[axis] > 1, function != .maximum { isRegular = false }
    }
    self.function = function
    self.geometry = geometry
    kernel = window.kernel
    // oneDNN doesn't tell where a maximum stands, and knows no doubles.
    let hasPositions = context.outputs.count > 1 && context.outputs[1] != nil
    let isKnown = EngineElement(input.elementType) != nil
    fallback =
      isRegular && !hasPositions && isKnown
      ? nil : try PoolingFallback(function, window, geometry, input, output)
  }

  /// One number for all of some spatial axes.
  init(_ function: PoolingFunction, over spatial: [Int]) {
    self.function = function
    kernel = spatial
    let (ones, zeros) = (spatial.map { _ in 1 }, spatial.map { _ in 0 })
    geometry = ConvolutionGeometry(
      strides: ones, dilations: ones, padBegin: zeros, padEnd: zeros)
    fallback = nil
  }

  /// oneDNN's computation over the layout in which the input stands.
  ///
  /// - Parameter isTrained: true to write what the gradient reads.
  func primitive(_ context: KernelContext, isTrained: Bool) throws(KernelError)
    -> PrimitiveDescriptor
  {
    let input = try context.input(0)
    guard let type = EngineElement(input.elementType) else {
      throw .operator(.unsupported(what: "pooling of \(input.elementType.onnxName)"))
    }
    let x = try input.descriptor()
    let output = try context.output()
    return try KernelError.engine(
      try PrimitiveDescriptor.pooling(
        context.engine, function, source: x, destination: try .any(output.shape, type),
        kernel: kernel, geometry, isTrained: isTrained))
  }
}

/// Kernels of the pooling operators.
enum PoolingKernels {
  /// oneDNN over the layout in which the input stands, or a plain loop where oneDNN means something else.
  ///
  /// - Parameter isColumnMajor: whether positions of maxima count the first spatial axis fastest.
  static func make(
    _ function: PoolingFunction, _ window: ResolvedWindow, _ context: KernelContext,
    isColumnMajor: Bool = false
  ) throws(KernelError) -> any Kernel {
    try make(try PoolingLayer(function, window, context), context, isColumnMajor: isColumnMajor)
  }

  /// One number for all spatial positions.
  static func global(
    _ context: KernelContext, _ function: PoolingFunction = .averageExcludingPadding
  ) throws(KernelError) -> any Kernel {
    let spatial = Array(try context.floatInput(0).shape.dropFirst(2))
    if spatial.isEmpty { return ViewKernel(context) }
    return try make(PoolingLayer(function, over: spatial), context)
  }

  private static func make(
    _ layer: PoolingLayer, _ context: KernelContext, isColumnMajor: Bool = false
  ) throws(KernelError) -> any Kernel {
    if let fallback = layer.fallback {
      return try fallback.kernel(context, isColumnMajor: isColumnMajor)
    }
    let input = try context.input(0)
    let x = try input.descriptor()
    let primitive = try layer.primitive(context, isTrained: false)
    let y = try KernelError.engine(try primitive.layout(of: .destination))
    var outputs = [TensorLayout](repeating: .rowMajor, count: context.outputs.count)
    outputs[0] = TensorLayout(y)
    return try PrimitiveKernel(
      primitive, [(.source, x, .input(0)), (.destination, y, .output(0))],
      inputs: [.layout(input.layout)], outputs: outputs)
  }
}
