import GraphIR
import TensorCore

/// `y = max(0, min(1, alpha * x + beta))`, NaN where x is (ONNX HardSigmoid, opset 6, 22).
package struct HardSigmoid: ElementwiseFormula {
  package static let schema = OperatorSchema(
    "HardSigmoid", since: 6, inputs: 1...1, inputTypes: [.float])

  package func outputRange(_ constant: (Int) -> Float?) -> OutputRange? {
    OutputRange(minimum: 0, maximum: 1)
  }

  package var alpha: Float
  package var beta: Float

  package init(alpha: Float = 0.2, beta: Float = 0.5) {
    self.alpha = alpha
    self.beta = beta
  }

  package init(attributes: AttributeReader) throws(OperatorError) {
    self.init(
      alpha: try attributes.float("alpha", default: 0.2),
      beta: try attributes.float("beta", default: 0.5))
  }

  package func attributes() -> [Attribute] {
    [Attribute("alpha", .float(alpha)), Attribute("beta", .float(beta))]
  }

  package func value(_ x: Double) -> Double {
    .greater(.lesser(Double(alpha) * x + Double(beta), 1), 0)
  }

  /// alpha where 0 < y < 1, else 0.
  package func slope(_ x: Double) -> Double {
    let y = Double(alpha) * x + Double(beta)
    return y > 0 && y < 1 ? Double(alpha) : 0
  }
}
