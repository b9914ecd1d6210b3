import DNNEngine
import GraphIR
import TensorCore

/// `y = x` where `x > 0`, otherwise `alpha * (e ^ x - 1)` (ONNX Elu, opset 6, 22).
package struct Elu: ElementwiseFormula, AlphaAttribute {
  package static let schema = OperatorSchema(
    "Elu", since: 6, inputs: 1...1, inputTypes: [.float])

  package func cannotBeNegative(_ operands: OperandSigns) -> Bool { operands.first }

  package var alpha: Float

  package init(alpha: Float = 1) {
    self.alpha = alpha
  }

  package func value(_ x: Double) -> Double {
    x > 0 ? x : Double(alpha) * expm1(x)
  }

  /// 1 where x > 0, else alpha e^x.
  package func slope(_ x: Double) -> Double {
    x > 0 ? 1 : Double(alpha) * exp(x)
  }

  package var function: ElementwiseFunction? { .elu(alpha: alpha) }
}
