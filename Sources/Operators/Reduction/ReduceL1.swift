import GraphIR
import TensorCore

/// The sum of magnitudes over axes (ONNX ReduceL1, opset 1, 11, 13, 18).
package struct ReduceL1: Reduction {
  package static let schema = OperatorSchema(
    "ReduceL1", since: 1, inputs: 1...2, inputTypes: [.numeric, .index])

  package func cannotBeNegative(_ operands: OperandSigns) -> Bool { true }

  package static let function = ReductionFunction.sumOfMagnitudes
  package var axes: ReductionAxes

  package init(axes: ReductionAxes) { self.axes = axes }
}
