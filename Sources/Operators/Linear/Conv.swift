import DNNEngine
import Execution
import GraphIR
import TensorCore

/// `y[n,o,p] = sum over i,k of w[o,i,k] * x[n,i,p*stride + k*dilation - pad] + b[o]` (ONNX Conv, opset
/// 1, 11, 22).
///
/// Inputs: X `[N, C, spatial...]`, W `[O, C/group, kernel...]`, optional B `[O]`. As in ONNX this is
/// cross-correlation: the kernel isn't flipped.
package struct Conv: SerializableOperator, ExecutableOperator {
  package static let schema = OperatorSchema("Conv", since: 1, inputs: 2...3, inputTypes: [.float])

  package var dotProduct: DotProductForm? { .convolution(groups: group) }

  package var window: SlidingWindow
  package var group: Int

  package init(window: SlidingWindow = SlidingWindow(), group: Int = 1) {
    self.window = window
    self.group = group
  }

  package init(attributes: AttributeReader) throws(OperatorError) {
    window = try SlidingWindow(attributes: attributes)
    group = try attributes.int("group", default: 1)
    guard (1...Int(Int32.max)).contains(group) else {
      throw .attributeValue(name: "group", value: "\(group)", allowed: "1 to \(Int32.max)")
    }
  }

  package func attributes() -> [Attribute] {
    var result = window.attributes()
    result.append(Attribute("group", .int(Int64(group))))
    return result.sorted { $0.name < $1.name }
  }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    guard let type = inputs.type(0) else { return [nil] }
    _ = try inputs.requireRank(0, atLeast: 3)
    _ = try inputs.requireRank(1, atLeast: 3)
    guard let weight = inputs.dimensions(1) else { return [TensorType(type.elementType, nil)] }
    try inputs.requireVector(2, "B", count: weight[0])
    if let channels = weight[0].size, channels % group != 0 {
      throw .mismatch(
        what: "output channels", expected: "a multiple of group \(group)", actual: "\(channels)")
    }
    guard let x = type.dimensions else { return [TensorType(type.elementType, nil)] }
    guard x.count == weight.count else {
      throw .rank(input: 1, expected: "\(x.count)", actual: weight.count)
    }
    if let channels = x[1].size, let perGroup = weight[1].size {
      let (expected, overflow) = perGroup.multipliedReportingOverflow(by: group)
      guard !overflow, channels == expected else {
        throw .mismatch(
          what: "input channels", expected: "\(perGroup) x group \(group)", actual: "\(channels)")
      }
    }
    return [
      TensorType(type.elementType, [x[0], weight[0]] + (try spatialOutput(x: x, weight: weight)))
    ]
  }

  private func spatialOutput(x: [Dimension], weight: [Dimension]) throws(OperatorError)
    -> [Dimension]
  {
    guard let kernel = TensorType(.float32, Array(weight[2...])).shape ?? window.kernelShape else {
      return [Dimension](repeating: .unknown, count: x.count - 2)
    }
    let window = try window.resolved(kernel: kernel)
    guard window.kernel.count == x.count - 2 else {
      throw .rank(input: 0, expected: "\(window.kernel.count + 2)", actual: x.count)
    }
    var result: [Dimension] = []
    for axis in kernel.indices {
      result.append(try window.outputDimension(axis, of: x[axis + 2]))
    }
    return result
  }
}

extension Conv: DifferentiableOperator {
  /// oneDNN's direct convolution in the layouts of its choice; a residual and a ReLU go along.
  package func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    let epilogue = context.epilogue
    let layer = try layer(
      context, inputCount: context.inputs.count - (epilogue.addsResidual ? 1 : 0))
    let operands = try ConvolutionKernels.Operands(context, layer.weight, hasBias: layer.hasBias)
    var post: [PostOperation] = epilogue.addsResidual ? [.accumulate] : []
    if let slope = epilogue.reluSlope, slope != 0 { post.append(.relu(slope: slope)) }
    let kernel = try ConvolutionKernels.kernel(
      operands, context, hasResidual: epilogue.addsResidual
    ) { [post] (operands) throws(EngineError) in
      try PrimitiveDescriptor.convolution(
        context.engine, source: operands.source, weights: operands.weight, bias: operands.bias,
        destination: operands.destination, layer.geometry, post: post)
    }
    return epilogue.reluSlope == 0 ? RectifiedKernel(kernel, try context.output()) : kernel
  }

  /// dX is the transposed convolution of dY; dW correlates X with dY; dB sums dY over samples and positions.
  package func makeTrainingKernel(_ context: FormContext) throws(KernelError)
    -> any TrainingKernel
  {
    try ConvolutionTraining(
      try layer(context.kernel, inputCount: context.inputs.count), context)
  }

  /// The same convolution of integers, with what adds up its products.
  func integers(x: [Int], weight: [Int], output: [Int], _ engine: Engine) throws(KernelError)
    -> (loops: IntegerConvolutionLoops, sums: any IntegerSums)
  {
    let window = try KernelError.operation(try self.window.resolved(kernel: Array(weight[2...])))
    let loops = IntegerConvolutionLoops(
      window: window, group: group, x: x, weight: weight, output: output)
    let layer = try layer(x: x, weight: weight, hasBias: false)
    return (
      loops, SinglePrecisionConvolution(loops, layer, engine, input: x, output: output) ?? loops
    )
  }

  private func layer(_ context: KernelContext, inputCount: Int) throws(KernelError)
    -> ConvolutionLayer
  {
    try layer(
      x: try context.floatInput(0).shape, weight: try context.floatInput(1).shape,
      hasBias: inputCount > 2 && context.inputs[2] != nil)
  }

  private func layer(x: [Int], weight: [Int], hasBias: Bool) throws(KernelError)
    -> ConvolutionLayer
  {
    let window = try KernelError.operation(try self.window.resolved(kernel: Array(weight[2...])))
    var geometry = ConvolutionGeometry(
      strides: window.strides, dilations: window.dilations, padBegin: [], padEnd: [])
    for axis in window.kernel.indices {
      let (begin, end) = window.padding(axis, size: x[axis + 2])
      geometry.padBegin.append(begin)
      geometry.padEnd.append(end)
    }
    return ConvolutionLayer(
      geometry: geometry,
      weight: ConvolutionKernels.Weight(file: weight, group: group, isTransposed: false),
      isTransposed: false, hasBias: hasBias)
  }
}

extension Conv: FusibleOperator {
  package func absorption(_ inputs: [ConcreteType?]) -> Absorption {
    [.normalization, .residual, .rectifier]
  }
}
