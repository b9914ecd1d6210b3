import GraphIR
import TensorCore

/// `y = max(0, x) + min(0, alpha * (e ^ (x / alpha) - 1))` (ONNX Celu, opset 12).
package struct Celu: ElementwiseFormula, AlphaAttribute {
  package static let schema = OperatorSchema(
    "Celu", since: 12, inputs: 1...1, inputTypes: [.float])

  package func cannotBeNegative(_ operands: OperandSigns) -> Bool { operands.first }

  package var alpha: Float

  package init(alpha: Float = 1) {
    self.alpha = alpha
  }

  package func value(_ x: Double) -> Double {
    max(0, x) + min(0, Double(alpha) * expm1(x / Double(alpha)))
  }

  /// 1 where x > 0, else e^(x / alpha).
  package func slope(_ x: Double) -> Double {
    x > 0 ? 1 : exp(x / Double(alpha))
  }
}
