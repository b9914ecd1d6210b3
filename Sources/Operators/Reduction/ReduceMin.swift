import GraphIR
import TensorCore

/// The minimum over axes (ONNX ReduceMin, opset 1, 11, 12, 13, 18, 20).
package struct ReduceMin: Reduction {
  package static let schema = OperatorSchema(
    "ReduceMin", since: 1, inputs: 1...2, inputTypes: [.numeric + [.bool], .index])

  public func cannotBeNegative(_ operands: OperandSigns) -> Bool { operands.first }

  public static let function = ReductionFunction.minimum
  public var axes: ReductionAxes

  package init(axes: ReductionAxes) { self.axes = axes }
}
