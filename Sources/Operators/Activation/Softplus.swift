import GraphIR
import TensorCore

/// `y = ln(1 + e ^ x)` (ONNX Softplus, opset 1, 22).
package struct Softplus: ElementwiseFormula {
  package static let schema = OperatorSchema(
    "Softplus", since: 1, inputs: 1...1, inputTypes: [.float])

  package func cannotBeNegative(_ operands: OperandSigns) -> Bool { true }

  package init() {}
  package init(attributes: AttributeReader) { self.init() }

  package func value(_ x: Double) -> Double { max(x, 0) + log1p(exp(-x.magnitude)) }

  /// the sigmoid of x.
  package func slope(_ x: Double) -> Double { 1 / (1 + exp(-x)) }
}
