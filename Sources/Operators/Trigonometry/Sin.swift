import GraphIR
import TensorCore

/// `y = sin(x)` (ONNX Sin, opset 7, 22).
package struct Sin: ElementwiseFormula {
  package static let schema = OperatorSchema(
    "Sin", since: 7, inputs: 1...1, inputTypes: [.float])

  package init() {}
  package init(attributes: AttributeReader) { self.init() }

  package func value(_ x: Double) -> Double { sin(x) }

  /// cos(x).
  package func slope(_ x: Double) -> Double { cos(x) }
}
