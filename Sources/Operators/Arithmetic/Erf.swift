import GraphIR
import TensorCore

/// `y = 2 / sqrt(pi) * the integral of e ^ (-t^2) from 0 to x` (ONNX Erf, opset 9, 13).
package struct Erf: ElementwiseFormula {
  package static let schema = OperatorSchema(
    "Erf", since: 9, inputs: 1...1, inputTypes: [.float])

  package func cannotBeNegative(_ operands: OperandSigns) -> Bool { operands.first }

  package init() {}
  package init(attributes: AttributeReader) { self.init() }

  package func value(_ x: Double) -> Double { erf(x) }

  /// 2 / sqrt(pi) e^(-x^2).
  package func slope(_ x: Double) -> Double { 2 / Double.pi.squareRoot() * exp(-x * x) }
}
