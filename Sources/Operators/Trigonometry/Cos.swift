import GraphIR
import TensorCore

/// `y = cos(x)` (ONNX Cos, opset 7, 22).
package struct Cos: ElementwiseFormula {
  package static let schema = OperatorSchema(
    "Cos", since: 7, inputs: 1...1, inputTypes: [.float])

  package init() {}
  package init(attributes: AttributeReader) { self.init() }

  package func value(_ x: Double) -> Double { cos(x) }

  /// -sin(x).
  package func slope(_ x: Double) -> Double { -sin(x) }
}
