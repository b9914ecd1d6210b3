import GraphIR
import TensorCore

/// The minimum over axes (ONNX ReduceMin, opset 1, 11, 12, 13, 18, 20).
package struct ReduceMin: Reduction {
  package static let schema = OperatorSchema(
    "ReduceMin", since: 1, inputs: 1...2, inputTypes: [.numeric + [.bool], .index])

  package func cannotBeNegative(_ operands: OperandSigns) -> Bool { operands.first }

  package static let function = ReductionFunction.minimum
  package var axes: ReductionAxes

  package init(axes: ReductionAxes) { self.axes = axes }
}
