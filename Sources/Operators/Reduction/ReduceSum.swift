import GraphIR
import TensorCore

/// The sum over axes (ONNX ReduceSum, opset 1, 11, 13).
package struct ReduceSum: Reduction {
  package static let schema = OperatorSchema(
    "ReduceSum", since: 1, inputs: 1...2, inputTypes: [.numeric, .index])

  package func cannotBeNegative(_ operands: OperandSigns) -> Bool { operands.first }

  package static let function = ReductionFunction.sum
  package static let axesInputOpset = 13
  package var axes: ReductionAxes

  package init(axes: ReductionAxes) { self.axes = axes }
}
