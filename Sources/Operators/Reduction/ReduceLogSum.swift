import GraphIR
import TensorCore

/// The logarithm of the sum over axes (ONNX ReduceLogSum, opset 1, 11, 13, 18).
package struct ReduceLogSum: Reduction {
  package static let schema = OperatorSchema(
    "ReduceLogSum", since: 1, inputs: 1...2, inputTypes: [.numeric, .index])

  package static let function = ReductionFunction.logOfSum
  package var axes: ReductionAxes

  package init(axes: ReductionAxes) { self.axes = axes }
}
