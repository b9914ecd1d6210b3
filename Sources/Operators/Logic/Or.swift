import GraphIR
import TensorCore

/// `A or B`, with multidirectional broadcasting (ONNX Or, opset 7).
public struct Or: LogicalOperator {
  public static let schema = OperatorSchema("Or", inputs: 2...2, inputTypes: [[.bool]])

  public init() {}

  public func value(_ a: Bool, _ b: Bool) -> Bool { a || b }
}
