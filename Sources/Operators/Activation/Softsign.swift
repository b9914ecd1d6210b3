import GraphIR
import TensorCore

/// `y = x / (1 + |x|)` (ONNX Softsign, opset 1, 22).
package struct Softsign: ElementwiseFormula {
  package static let schema = OperatorSchema(
    "Softsign", since: 1, inputs: 1...1, inputTypes: [.float])

  package func cannotBeNegative(_ operands: OperandSigns) -> Bool { operands.first }

  package init() {}
  package init(attributes: AttributeReader) { self.init() }

  package func value(_ x: Double) -> Double { x / (1 + x.magnitude) }

  /// 1 / (1 + |x|)^2.
  package func slope(_ x: Double) -> Double { 1 / ((1 + x.magnitude) * (1 + x.magnitude)) }
}
