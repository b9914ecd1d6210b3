import Execution
import GraphIR
import TensorCore

/// Enlarges a tensor by interpolation along each axis (ONNX Upsample, opset 7, 9; deprecated by opset 10).
///
/// Scales are an attribute in opset 7 and an input in opset 9. The input coordinate of an output position is
/// position / scale.
package struct Upsample: SerializableOperator, ExecutableOperator {
  package static let schema = OperatorSchema(
    "Upsample", inputs: 1...2, inputTypes: [.any, [.float32]])

  package func cannotBeNegative(_ operands: OperandSigns) -> Bool { operands.first }

  package var movement: ElementMovement? { selectsElements ? ElementMovement(.selected) : nil }

  var mode: Resampling.Mode
  /// `nil` where they are an input.
  package var scales: [Float]?

  package init(attributes: AttributeReader) throws(OperatorError) {
    let name = try attributes.string("mode", default: Resampling.Mode.nearest.rawValue)
    guard let mode = Resampling.Mode(rawValue: name), mode != .cubic else {
      throw .attributeValue(name: "mode", value: name, allowed: "nearest, linear")
    }
    self.mode = mode
    guard attributes.opset < 9 else { return }
    guard let scales = try attributes.floats("scales") else {
      throw .missingAttribute(name: "scales")
    }
    self.scales = scales
  }

  /// Whether every element of the output is one of the input.
  package var selectsElements: Bool { mode == .nearest }

  package func attributes() -> [Attribute] {
    [Attribute("mode", .string(mode.rawValue))]
      + (scales.map { [Attribute("scales", .floats($0))] } ?? [])
  }

  /// Opset 10 has Resize instead.
  package func raise(_ node: NodeID, in graph: inout Graph, across opsets: OpsetRange)
    throws(OperatorError) -> String?
  {
    if let scales, opsets.crosses(9) {
      graph.setInput(node, 1, toConstant: Tensor(scales, shape: [scales.count]), "_scales")
      var upsample = self
      upsample.scales = nil
      graph[node].op = upsample
    }
    guard opsets.crosses(10) else { return opsets.crosses(9) ? "scales as an input" : nil }
    if opsets.to == 10 {
      graph[node].op = Resize.ofOpset10(resampling.mode)
    } else {
      try Resize.write(resampling, scales: graph.input(node, 1), node, in: &graph, across: opsets)
    }
    return "Resize"
  }

  /// The nearest neighbour is the previous one, as no axis shrinks.
  private var resampling: Resampling {
    var resampling = Resampling()
    resampling.mode = mode
    resampling.coordinates = .asymmetric
    resampling.rounding = .floor
    return resampling
  }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    guard let type = inputs.type(0) else { return [nil] }
    guard let dimensions = type.dimensions else { return [TensorType(type.elementType, nil)] }
    guard let scales = try factors(inputs, rank: dimensions.count) else {
      return [TensorType(type.elementType, Dimensions.unknown(rank: dimensions.count))]
    }
    var result: [Dimension] = []
    for (dimension, scale) in zip(dimensions, scales) {
      guard let size = dimension.size else {
        result.append(scale == 1 ? dimension : .unknown)
        continue
      }
      result.append(.fixed(try axis(size, scale).output))
    }
    return [TensorType(type.elementType, result)]
  }

  /// `nil` where they aren't constant.
  private func factors(_ inputs: [InputInfo?], rank: Int) throws(OperatorError) -> [Float]? {
    if scales == nil, !inputs.isPresent(1) { throw .missingInput(index: 1, name: "scales") }
    guard let factors = scales ?? inputs.constant(1)?.elements(of: Float.self) else { return nil }
    guard factors.count == rank else {
      throw .arity(what: "scales", expected: rank...rank, actual: factors.count)
    }
    return factors
  }

  private func axis(_ size: Int, _ scale: Float) throws(OperatorError) -> Resampling.Axis {
    let output = Float(size) * scale
    guard scale >= 1, output < 0x1p31 else {
      throw .mismatch(
        what: "scale", expected: "1 or more, to a size below 2^31", actual: "\(scale)")
    }
    return Resampling.Axis(input: size, output: Int(output), scale: scale)
  }
}

extension Upsample: DifferentiableOperator {
  package func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    try kernels(context).kernel(context)
  }

  package func makeTrainingKernel(_ context: FormContext) throws(KernelError)
    -> any TrainingKernel
  { try kernels(context.kernel).trainingKernel(context, "upsample") }

  private func kernels(_ context: KernelContext) throws(KernelError) -> ResamplingKernels {
    let shape = try context.input(0).shape
    let axes = try KernelError.operation { () throws(OperatorError) in
      guard let scales = try factors(context.inferenceInputs, rank: shape.count) else {
        throw .needsConstant(input: "scales")
      }
      var axes: [Resampling.Axis] = []
      for (size, scale) in zip(shape, scales) { axes.append(try axis(size, scale)) }
      return axes
    }
    return ResamplingKernels(resampling: resampling, axes: axes, extrapolation: 0)
  }
}
