import GraphIR
import TensorCore

/// `A xor B` bit by bit, with multidirectional broadcasting (ONNX BitwiseXor, opset 18).
public struct BitwiseXor: BitwiseOperator {
  public static let schema = OperatorSchema(
    "BitwiseXor", since: 18, inputs: 2...2, inputTypes: [.integer])

  public init() {}
  public init(attributes: AttributeReader) { self.init() }

  public func value<T: FixedWidthInteger>(_ a: T, _ b: T) -> T { a ^ b }
}
