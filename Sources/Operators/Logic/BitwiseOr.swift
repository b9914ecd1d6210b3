import GraphIR
import TensorCore

/// `A or B` bit by bit, with multidirectional broadcasting (ONNX BitwiseOr, opset 18).
public struct BitwiseOr: BitwiseOperator {
  public static let schema = OperatorSchema(
    "BitwiseOr", since: 18, inputs: 2...2, inputTypes: [.integer])

  public init() {}
  public init(attributes: AttributeReader) { self.init() }

  public func value<T: FixedWidthInteger>(_ a: T, _ b: T) -> T { a | b }
}
