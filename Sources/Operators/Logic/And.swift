import GraphIR
import TensorCore

/// `A and B`, with multidirectional broadcasting (ONNX And, opset 7).
public struct And: LogicalOperator {
  public static let schema = OperatorSchema("And", inputs: 2...2, inputTypes: [[.bool]])

  public init() {}

  public func value(_ a: Bool, _ b: Bool) -> Bool { a && b }
}
