import GraphIR
import TensorCore

/// `y = arctanh(x)` (ONNX Atanh, opset 9, 22).
package struct Atanh: ElementwiseFormula {
  package static let schema = OperatorSchema(
    "Atanh", since: 9, inputs: 1...1, inputTypes: [.float])

  package init() {}
  package init(attributes: AttributeReader) { self.init() }

  package func value(_ x: Double) -> Double { atanh(x) }

  /// 1 / (1 - x^2).
  package func slope(_ x: Double) -> Double { 1 / (1 - x * x) }
}
