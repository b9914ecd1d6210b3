import GraphIR
import TensorCore

/// `A and B` bit by bit, with multidirectional broadcasting (ONNX BitwiseAnd, opset 18).
package struct BitwiseAnd: BitwiseOperator {
  package static let schema = OperatorSchema(
    "BitwiseAnd", since: 18, inputs: 2...2, inputTypes: [.integer])

  package init() {}
  package init(attributes: AttributeReader) { self.init() }

  package func value<T: FixedWidthInteger>(_ a: T, _ b: T) -> T { a & b }
}
