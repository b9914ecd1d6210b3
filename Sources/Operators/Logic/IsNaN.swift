import GraphIR
import TensorCore

/// Whether x is not a number (ONNX IsNaN, opset 9, 13, 20).
package struct IsNaN: ElementPredicate {
  package static let schema = OperatorSchema(
    "IsNaN", since: 9, inputs: 1...1, inputTypes: [.float])

  package init() {}
  package init(attributes: AttributeReader) { self.init() }

  package func holds(_ x: Double) -> Bool { x.isNaN }
}
