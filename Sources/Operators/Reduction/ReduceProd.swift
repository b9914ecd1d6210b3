import GraphIR
import TensorCore

/// The product over axes (ONNX ReduceProd, opset 1, 11, 13, 18).
package struct ReduceProd: Reduction {
  package static let schema = OperatorSchema(
    "ReduceProd", since: 1, inputs: 1...2, inputTypes: [.numeric, .index])

  public func cannotBeNegative(_ operands: OperandSigns) -> Bool { operands.first }

  public static let function = ReductionFunction.product
  public var axes: ReductionAxes

  package init(axes: ReductionAxes) { self.axes = axes }
}
