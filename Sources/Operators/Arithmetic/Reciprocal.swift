import GraphIR
import TensorCore

/// `y = 1 / x` (ONNX Reciprocal, opset 6, 13).
package struct Reciprocal: ElementwiseFormula {
  package static let schema = OperatorSchema(
    "Reciprocal", since: 6, inputs: 1...1, inputTypes: [.float])

  package func cannotBeNegative(_ operands: OperandSigns) -> Bool { operands.first }

  package init() {}
  package init(attributes: AttributeReader) { self.init() }

  package func value(_ x: Double) -> Double { 1 / x }

  /// -1 / x^2.
  package func slope(_ x: Double) -> Double { -1 / (x * x) }
}
