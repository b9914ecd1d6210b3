import GraphIR
import TensorCore

/// The square root of the sum of squares over axes (ONNX ReduceL2, opset 1, 11, 13, 18).
package struct ReduceL2: Reduction {
  package static let schema = OperatorSchema(
    "ReduceL2", since: 1, inputs: 1...2, inputTypes: [.numeric, .index])

  package func cannotBeNegative(_ operands: OperandSigns) -> Bool { true }

  package static let function = ReductionFunction.norm
  package var axes: ReductionAxes

  package init(axes: ReductionAxes) { self.axes = axes }
}
