import GraphIR
import TensorCore

/// `y = gamma * x` where `x > 0`, otherwise `gamma * alpha * (e ^ x - 1)` (ONNX Selu, opset 6, 22).
package struct Selu: ElementwiseFormula {
  package static let schema = OperatorSchema(
    "Selu", since: 6, inputs: 1...1, inputTypes: [.float])

  package func cannotBeNegative(_ operands: OperandSigns) -> Bool { operands.first }

  package var alpha: Float
  package var gamma: Float

  package init(alpha: Float = 1.67326319217681884765625, gamma: Float = 1.05070102214813232421875) {
    self.alpha = alpha
    self.gamma = gamma
  }

  package init(attributes: AttributeReader) throws(OperatorError) {
    self.init(
      alpha: try attributes.float("alpha", default: 1.67326319217681884765625),
      gamma: try attributes.float("gamma", default: 1.05070102214813232421875))
  }

  package func attributes() -> [Attribute] {
    [Attribute("alpha", .float(alpha)), Attribute("gamma", .float(gamma))]
  }

  package func value(_ x: Double) -> Double {
    Double(gamma) * (x > 0 ? x : Double(alpha) * expm1(x))
  }

  /// gamma where x > 0, else gamma alpha e^x.
  package func slope(_ x: Double) -> Double {
    Double(gamma) * (x > 0 ? 1 : Double(alpha) * exp(x))
  }
}
