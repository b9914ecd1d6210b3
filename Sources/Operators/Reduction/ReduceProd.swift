import GraphIR
import TensorCore

/// The product over axes (ONNX ReduceProd, opset 1, 11, 13, 18).
public struct ReduceProd: Reduction {
  public static let schema = OperatorSchema(
    "ReduceProd", since: 1, inputs: 1...2, inputTypes: [.numeric, .index])

  public func cannotBeNegative(_ operands: OperandSigns) -> Bool { operands.first }

  public static let function = ReductionFunction.product
  public var axes: ReductionAxes

  public init(axes: ReductionAxes) { self.axes = axes }
}
