import GraphIR
import TensorCore

/// `y = sinh(x)` (ONNX Sinh, opset 9, 22).
package struct Sinh: ElementwiseFormula {
  package static let schema = OperatorSchema(
    "Sinh", since: 9, inputs: 1...1, inputTypes: [.float])

  package init() {}
  package init(attributes: AttributeReader) { self.init() }

  package func value(_ x: Double) -> Double { sinh(x) }

  /// cosh(x).
  package func slope(_ x: Double) -> Double { cosh(x) }
}
