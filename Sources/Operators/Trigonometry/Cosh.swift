import GraphIR
import TensorCore

/// `y = cosh(x)` (ONNX Cosh, opset 9, 22).
package struct Cosh: ElementwiseFormula {
  package static let schema = OperatorSchema(
    "Cosh", since: 9, inputs: 1...1, inputTypes: [.float])

  package init() {}
  package init(attributes: AttributeReader) { self.init() }

  package func value(_ x: Double) -> Double { cosh(x) }

  /// sinh(x).
  package func slope(_ x: Double) -> Double { sinh(x) }
}
