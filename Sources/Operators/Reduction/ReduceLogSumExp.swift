import GraphIR
import TensorCore

/// The logarithm of the sum of powers of e over axes (ONNX ReduceLogSumExp, opset 1, 11, 13, 18).
public struct ReduceLogSumExp: Reduction {
  public static let schema = OperatorSchema(
    "ReduceLogSumExp", since: 1, inputs: 1...2, inputTypes: [.numeric, .index])

  public static let function = ReductionFunction.logOfSumOfExponentials
  public var axes: ReductionAxes

  public init(axes: ReductionAxes) { self.axes = axes }
}
