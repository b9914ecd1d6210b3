import DNNEngine
import GraphIR
import TensorCore

/// A constant weight as the integers that a quantizer makes of it.
///
/// Made for inference, never read from a file. The input is the weight, which tells the shape; the output is
/// held as integers, and as floats for a layer that can't multiply integers.
package struct IntegerWeight: Operator {
  package static let schema = OperatorSchema(
    domain: "snug.inference", "IntegerWeight", inputs: 1...1, inputTypes: [.float])

  /// int8, in the weight's shape.
  let codes: Tensor
  /// One for all, or one a channel of dimension 0.
  let scales: [Float]

  package init(codes: Tensor, scales: [Float]) {
    self.codes = codes
    self.scales = scales
  }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    [inputs.type(0)]
  }
}

extension IntegerWeight: FormOperator {
  package func makeFormKernel(_ context: FormContext) throws(KernelError) -> any FormKernel {
    try IntegerWeightKernel(self)
  }
}

private final class IntegerWeightKernel: FormKernel {
  let label = "integer weight"
  let inputs: [FormRequest?] = [nil]
  let outputs: [OutputForm]
  private let weight: IntegerWeight

  init(_ weight: IntegerWeight) throws(KernelError) {
    self.weight = weight
    let layout = try KernelError.engine(try MemoryDescriptor(rowMajor: weight.codes.shape, .int8))
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
}
