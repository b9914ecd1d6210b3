import GraphIR
import TensorCore

/// The logarithm of the sum of powers of e over axes (ONNX ReduceLogSumExp, opset 1, 11, 13, 18).
package struct ReduceLogSumExp: Reduction {
  package static let schema = OperatorSchema(
    "ReduceLogSumExp", since: 1, inputs: 1...2, inputTypes: [.numeric, .index])

  package static let function = ReductionFunction.logOfSumOfExponentials
  package var axes: ReductionAxes

  package init(axes: ReductionAxes) { self.axes = axes }
}
