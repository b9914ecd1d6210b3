import GraphIR
import TensorCore

/// `y = x` where `x > alpha`, otherwise `0` (ONNX ThresholdedRelu, opset 10, 22).
public struct ThresholdedRelu: ElementwiseFormula {
  public static let schema = OperatorSchema(
    "ThresholdedRelu", since: 10, inputs: 1...1, inputTypes: [.float])

  public func cannotBeNegative(_ operands: OperandSigns) -> Bool { operands.first }

  public var alpha: Float

  public init(alpha: Float = 1) {
    self.alpha = alpha
  }

  public init(attributes: AttributeReader) throws(OperatorError) {
    self.init(
      alpha: try attributes.float("alpha", default: 1))
  }

  public func attributes() -> [Attribute] { [Attribute("alpha", .float(alpha))] }

  public func value(_ x: Double) -> Double {
    x > Double(alpha) ? x : 0
  }

  /// 1 where x > alpha, else 0.
  public func slope(_ x: Double) -> Double {
    x > Double(alpha) ? 1 : 0
  }
}
