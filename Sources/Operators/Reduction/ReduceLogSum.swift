import GraphIR
import TensorCore

/// The logarithm of the sum over axes (ONNX ReduceLogSum, opset 1, 11, 13, 18).
public struct ReduceLogSum: Reduction {
  public static let schema = OperatorSchema(
    "ReduceLogSum", since: 1, inputs: 1...2, inputTypes: [.numeric, .index])

  public static let function = ReductionFunction.logOfSum
  public var axes: ReductionAxes

  public init(axes: ReductionAxes) { self.axes = axes }
}
