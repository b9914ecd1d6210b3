import GraphIR
import TensorCore

/// The product over axes (ONNX ReduceProd, opset 1, 11, 13, 18).
package struct ReduceProd: Reduction {
  package static let schema = OperatorSchema(
    "ReduceProd", since: 1, inputs: 1...2, inputTypes: [.numeric, .index])

  package func cannotBeNegative(_ operands: OperandSigns) -> Bool { operands.first }

  package static let function = ReductionFunction.product
  package var axes: ReductionAxes

  package init(axes: ReductionAxes) { self.axes = axes }
}
