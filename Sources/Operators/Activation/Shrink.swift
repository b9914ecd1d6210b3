import GraphIR
import TensorCore

/// `y = x + bias` below `-lambd`, `x - bias` above `lambd`, 0 between (ONNX Shrink, opset 9).
package struct Shrink: ElementwiseFormula {
  package static let schema = OperatorSchema(
    "Shrink", since: 9, inputs: 1...1, inputTypes: [.float])

  package var threshold: Float
  package var bias: Float

  package init(threshold: Float = 0.5, bias: Float = 0) {
    self.threshold = threshold
    self.bias = bias
  }

  package init(attributes: AttributeReader) throws(OperatorError) {
    self.init(
      threshold: try attributes.float("lambd", default: 0.5),
      bias: try attributes.float("bias", default: 0))
  }

  package func attributes() -> [Attribute] {
    [Attribute("bias", .float(bias)), Attribute("lambd", .float(threshold))]
  }

  /// What a threshold of at least 0 leaves of a number of at least 0 is negative only by a larger bias.
  package func cannotBeNegative(_ operands: OperandSigns) -> Bool {
    operands.first && threshold >= 0 && bias <= threshold
  }

  package func value(_ x: Double) -> Double {
    x < -Double(threshold) ? x + Double(bias) : x > Double(threshold) ? x - Double(bias) : 0
  }

  /// 1 beyond the thresholds, else 0.
  package func slope(_ x: Double) -> Double {
    x < -Double(threshold) || x > Double(threshold) ? 1 : 0
  }
}
