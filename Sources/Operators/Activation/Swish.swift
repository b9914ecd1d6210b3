import DNNEngine
import GraphIR
import TensorCore

/// `y = x / (1 + e ^ -(alpha x))` (ONNX Swish, opset 24).
package struct Swish: ElementwiseFormula, AlphaAttribute {
  package static let schema = OperatorSchema(
    "Swish", since: 24, inputs: 1...1, inputTypes: [.float])

  package func cannotBeNegative(_ operands: OperandSigns) -> Bool { operands.first }

  package var alpha: Float

  package init(alpha: Float = 1) { self.alpha = alpha }

  package func value(_ x: Double) -> Double { x / (1 + exp(-Double(alpha) * x)) }

  /// s + alpha x s (1 - s), with s the sigmoid of alpha x.
  package func slope(_ x: Double) -> Double {
    let s = 1 / (1 + exp(-Double(alpha) * x))
    return s + Double(alpha) * x * s * (1 - s)
  }

  package var function: ElementwiseFunction? { .swish(alpha: alpha) }
}
