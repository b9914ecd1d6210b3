import GraphIR
import TensorCore

/// `y = tan(x)` (ONNX Tan, opset 7, 22).
package struct Tan: ElementwiseFormula {
  package static let schema = OperatorSchema(
    "Tan", since: 7, inputs: 1...1, inputTypes: [.float])

  package init() {}
  package init(attributes: AttributeReader) { self.init() }

  package func value(_ x: Double) -> Double { tan(x) }

  /// 1 / cos(x)^2.
  package func slope(_ x: Double) -> Double { 1 / (cos(x) * cos(x)) }
}
