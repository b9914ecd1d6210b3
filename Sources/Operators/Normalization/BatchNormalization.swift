import CKernels
import DNNEngine
import Glibc
import GraphIR
import TensorCore

/// `y = scale * (x - mean) / sqrt(var + epsilon) + B` per channel, with the given statistics (ONNX
/// BatchNormalization at inference, opset 7, 9, 14, 15).
///
/// Inputs: X `[N, C, ...]`, scale, B, mean, var `[C]`. A file that asks for batch statistics
/// (`training_mode`, or the training outputs before opset 14) is refused.
public struct BatchNormalization: ExecutableOperator {
  public static let schema = OperatorSchema(
    "BatchNormalization", inputs: 5...5, outputs: 1...5, inputTypes: [.float])

  public var epsilon: Float
  public var momentum: Float

  public init(epsilon: Float = 1e-5, momentum: Float = 0.9) {
    self.epsilon = epsilon
    self.momentum = momentum
  }

  public init(attributes: AttributeReader) throws(OperatorError) {
    if attributes.opset < 9, try attributes.int("spatial", default: 1) != 1 {
      throw .unsupported(what: "statistics per activation (spatial = 0)")
    }
    if try attributes.bool("training_mode", default: false) {
      throw .unsupported(what: "BatchNormalization in training mode")
    }
    self.init(
      epsilon: try attributes.float("epsilon", default: 1e-5),
      momentum: try attributes.float("momentum", default: 0.9))
    guard epsilon >= 0 else {
      throw .attributeValue(name: "epsilon", value: "\(epsilon)", allowed: "0 or more")
    }
  }

  public func attributes() -> [Attribute] {
    [Attribute("epsilon", .float(epsilon)), Attribute("momentum", .float(momentum))]
  }

  public func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    let rank = try inputs.requireRank(0, atLeast: 1)
    // A one-dimensional input has one channel.
    let channels = rank == 1 ? 1 : inputs.dimensions(0)?[1]
    for (index, name) in ["scale", "B", "mean", "var"].enumerated() {
      try inputs.requireVector(index + 1, name, count: channels)
    }
    return [inputs.type(0)]
  }
}

extension BatchNormalization: DifferentiableOperator {
  /// One multiplication and addition an element, over the layout in which the input stands.
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    try context.requireSingleOutput("BatchNormalization in training mode")
    let x = try context.floatInput(0)
    for index in 1...4 { _ = try context.floatInput(index) }
    var (nest, layout) = (
      KernelInput.rowMajorNest([x.type.count, 1], 1), TensorLayout.rowMajor
    )
    // A one-dimensional input has one channel.
    if x.shape.count > 1 { (nest, layout) = try x.nest(around: 1) }
    let factor = ParameterBuffer(nest, neutral: 0)
    let offset = ParameterBuffer(nest, neutral: 0)
    var requests = context.rowMajorInputs
    requests[0] = .layout(layout)
    let epsilon = epsilon
    let slope = context.epilogue.reluSlope ?? 1
    let outputs = [layout] + [TensorLayout](repeating: .rowMajor, count: context.outputs.count - 1)
    return ClosureKernel(inputs: requests, outputs: outputs, overwritableInput: 0) {
      [nest] operands in
      let (scale, bias) = (operands.input(1, as: Float.self), operands.input(2, as: Float.self))
      let (mean, variance) = (
        operands.input(3, as: Float.self), operands.input(4, as: Float.self)
      )
      for channel in 0..<nest.count {
        let a = scale[channel] / (variance[channel] + epsilon).squareRoot()
        factor.pointer[channel] = a
        offset.pointer[channel] = bias[channel] - mean[channel] * a
      }
      nonisolated(unsafe) let x = operands.input(0, as: Float.self)
      nonisolated(unsafe) let y = operands.output(as: Float.self)
      nonisolated(unsafe) let (a, b) = (factor.pointer, offset.pointer)
      nest.forEachPart { offset, count, entry in
        if nest.block > 1 {
          snug_affine_rows(x + offset, y + offset, count, nest.block, a + entry, b + entry, slope)
        } else {
          snug_affine(x + offset, y + offset, count, a[entry], b[entry], slope)
        }
      }
    }
  }

  /// In training the statistics are those of the batch, and enter the running ones by `momentum`.
  public func makeTrainingKernel(_ context: TrainingContext) throws(KernelError)
    -> any TrainingKernel
  {
    try context.kernel.requireSingleOutput("BatchNormalization in training mode")
    return try ChainKernel(
      PointwiseChain(
        normalization: .init(epsilon: epsilon, momentum: momentum), yieldsValues: true), context)
  }
}
