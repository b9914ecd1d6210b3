import GraphIR
import TensorCore

/// `A and B` bit by bit, with multidirectional broadcasting (ONNX BitwiseAnd, opset 18).
public struct BitwiseAnd: BitwiseOperator {
  public static let schema = OperatorSchema(
    "BitwiseAnd", since: 18, inputs: 2...2, inputTypes: [.integer])

  public init() {}
  public init(attributes: AttributeReader) { self.init() }

  public func value<T: FixedWidthInteger>(_ a: T, _ b: T) -> T { a & b }
}
