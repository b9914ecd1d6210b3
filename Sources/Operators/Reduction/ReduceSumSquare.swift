import GraphIR
import TensorCore

/// The sum of squares over axes (ONNX ReduceSumSquare, opset 1, 11, 13, 18).
package struct ReduceSumSquare: Reduction {
  package static let schema = OperatorSchema(
    "ReduceSumSquare", since: 1, inputs: 1...2, inputTypes: [.numeric, .index])

  package func cannotBeNegative(_ operands: OperandSigns) -> Bool { true }

  package static let function = ReductionFunction.sumOfSquares
  package var axes: ReductionAxes

  package init(axes: ReductionAxes) { self.axes = axes }
}
