import DNNEngine
import GraphIR
import TensorCore

/// A constant weight as the integers that a quantizer makes of it.
///
/// Made for inference, never read from a file. The input is the weight, which tells the shape; the output is
/// held as integers, and as floats for a layer that can't multiply integers.
struct IntegerWeight: Operator {
  static let schema = OperatorSchema(
    domain: "snug.inference", "IntegerWeight", inputs: 1...1, inputTypes: [.float])

  /// int8, in the weight's shape.
  let codes: Tensor
  /// One for all, or one a channel of dimension 0.
  let scales: [Float]

  init(codes: Tensor, scales: [Float]) {
    self.codes = codes
    self.scales = scales
  }

  func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] { [inputs.type(0)] }
}

extension IntegerWeight: DifferentiableOperator {
  /// - Throws: always; only plans that hold integers run it.
  func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    throw .operator(.unsupported(what: "an operator on integers among floats"))
  }

  func makeTrainingKernel(_ context: TrainingContext) throws(KernelError) -> any TrainingKernel {
    try IntegerWeightKernel(self)
  }
}

private final class IntegerWeightKernel: TrainingKernel {
  let label = "integer weight"
  let inputs: [TrainingRequest?] = [nil]
  let outputs: [OutputForm]
  private let weight: IntegerWeight

  init(_ weight: IntegerWeight) throws(KernelError) {
    self.weight = weight
    let layout = try KernelError.engine { () throws(EngineError) in
      try MemoryDescriptor(rowMajor: weight.codes.shape, .int8)
    }
    outputs = [
      OutputForm(
        floats: .rowMajor,
        integers: IntegerForm(
          layout: layout, element: .int8, scaleCount: weight.scales.count, channelAxis: 0))
    ]
  }

  func forward(_ operands: Operands) {
    let (values, codes) = (operands.output(0, as: Float.self), operands.output(1, as: Int8.self))
    weight.codes.withElements(of: Int8.self) { source in
      let length = max(source.count / weight.scales.count, 1)
      for (index, code) in source.enumerated() {
        codes[index] = code
        values[index] = Float(code) * weight.scales[index / length]
      }
    }
    operands.output(2, as: Float.self).update(from: weight.scales, count: weight.scales.count)
  }

  func makeBackward(_ context: BackwardContext) throws(KernelError) -> [Backward] {
    throw .operator(.unsupported(what: "training a constant weight"))
  }
}
