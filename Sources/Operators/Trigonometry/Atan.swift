import GraphIR
import TensorCore

/// `y = arctan(x)` (ONNX Atan, opset 7, 22).
package struct Atan: ElementwiseFormula {
  package static let schema = OperatorSchema(
    "Atan", since: 7, inputs: 1...1, inputTypes: [.float])

  package init() {}
  package init(attributes: AttributeReader) { self.init() }

  package func value(_ x: Double) -> Double { atan(x) }

  /// 1 / (1 + x^2).
  package func slope(_ x: Double) -> Double { 1 / (1 + x * x) }
}
