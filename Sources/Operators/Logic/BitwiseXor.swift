import GraphIR
import TensorCore

/// `A xor B` bit by bit, with multidirectional broadcasting (ONNX BitwiseXor, opset 18).
package struct BitwiseXor: BitwiseOperator {
  package static let schema = OperatorSchema(
    "BitwiseXor", since: 18, inputs: 2...2, inputTypes: [.integer])

  package init() {}
  package init(attributes: AttributeReader) { self.init() }

  package func value<T: FixedWidthInteger>(_ a: T, _ b: T) -> T { a ^ b }
}
