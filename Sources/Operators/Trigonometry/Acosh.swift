import GraphIR
import TensorCore

/// `y = arccosh(x)` (ONNX Acosh, opset 9, 22).
package struct Acosh: ElementwiseFormula {
  package static let schema = OperatorSchema(
    "Acosh", since: 9, inputs: 1...1, inputTypes: [.float])

  package init() {}
  package init(attributes: AttributeReader) { self.init() }

  package func value(_ x: Double) -> Double { acosh(x) }

  /// 1 / sqrt(x^2 - 1).
  package func slope(_ x: Double) -> Double { 1 / (x * x - 1).squareRoot() }
}
