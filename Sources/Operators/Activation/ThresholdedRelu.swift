import GraphIR
import TensorCore

/// `y = x` where `x > alpha`, otherwise `0` (ONNX ThresholdedRelu, opset 10, 22).
package struct ThresholdedRelu: ElementwiseFormula, AlphaAttribute {
  package static let schema = OperatorSchema(
    "ThresholdedRelu", since: 10, inputs: 1...1, inputTypes: [.float])

  package func cannotBeNegative(_ operands: OperandSigns) -> Bool { operands.first }

  package var alpha: Float

  package init(alpha: Float = 1) {
    self.alpha = alpha
  }

  package func value(_ x: Double) -> Double {
    x > Double(alpha) ? x : 0
  }

  /// 1 where x > alpha, else 0.
  package func slope(_ x: Double) -> Double {
    x > Double(alpha) ? 1 : 0
  }
}
