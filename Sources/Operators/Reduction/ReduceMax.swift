import GraphIR
import TensorCore

/// The maximum over axes (ONNX ReduceMax, opset 1, 11, 12, 13, 18, 20).
package struct ReduceMax: Reduction {
  package static let schema = OperatorSchema(
    "ReduceMax", since: 1, inputs: 1...2, inputTypes: [.numeric + [.bool], .index])

  package func cannotBeNegative(_ operands: OperandSigns) -> Bool { operands.first }

  package static let function = ReductionFunction.maximum
  package var axes: ReductionAxes

  package init(axes: ReductionAxes) { self.axes = axes }
}
