import GraphIR
import TensorCore

/// `A xor B`, with multidirectional broadcasting (ONNX Xor, opset 7).
public struct Xor: LogicalOperator {
  public static let schema = OperatorSchema("Xor", inputs: 2...2, inputTypes: [[.bool]])

  public init() {}

  public func value(_ a: Bool, _ b: Bool) -> Bool { a != b }
}
