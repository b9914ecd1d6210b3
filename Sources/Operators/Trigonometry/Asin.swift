import GraphIR
import TensorCore

/// `y = arcsin(x)` (ONNX Asin, opset 7, 22).
package struct Asin: ElementwiseFormula {
  package static let schema = OperatorSchema(
    "Asin", since: 7, inputs: 1...1, inputTypes: [.float])

  package init() {}
  package init(attributes: AttributeReader) { self.init() }

  package func value(_ x: Double) -> Double { asin(x) }

  /// 1 / sqrt(1 - x^2).
  package func slope(_ x: Double) -> Double { 1 / (1 - x * x).squareRoot() }
}
