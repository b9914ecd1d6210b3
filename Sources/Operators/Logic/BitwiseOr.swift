import GraphIR
import TensorCore

/// `A or B` bit by bit, with multidirectional broadcasting (ONNX BitwiseOr, opset 18).
package struct BitwiseOr: BitwiseOperator {
  package static let schema = OperatorSchema(
    "BitwiseOr", since: 18, inputs: 2...2, inputTypes: [.integer])

  package init() {}
  package init(attributes: AttributeReader) { self.init() }

  package func value<T: FixedWidthInteger>(_ a: T, _ b: T) -> T { a | b }
}
