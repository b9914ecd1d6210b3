import GraphIR
import TensorCore

/// `y = x * tanh(ln(1 + e ^ x))` (ONNX Mish, opset 18, 22).
package struct Mish: ElementwiseFormula {
  package static let schema = OperatorSchema(
    "Mish", since: 18, inputs: 1...1, inputTypes: [.float])

  package func cannotBeNegative(_ operands: OperandSigns) -> Bool { operands.first }

  package init() {}
  package init(attributes: AttributeReader) { self.init() }

  package func value(_ x: Double) -> Double { x * tanh(Softplus().value(x)) }

  /// t + x (1 - t^2) s, with t = tanh(ln(1 + e^x)) and s the sigmoid of x.
  package func slope(_ x: Double) -> Double {
    let t = tanh(Softplus().value(x))
    return t + x * (1 - t * t) * Softplus().slope(x)
  }
}
