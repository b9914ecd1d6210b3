import DNNEngine
import GraphIR
import TensorCore

/// `y = x` where `x > 0`, otherwise `alpha * (e ^ x - 1)` (ONNX Elu, opset 6, 22).
public struct Elu: ElementwiseFormula {
  public static let schema = OperatorSchema(
    "Elu", since: 6, inputs: 1...1, inputTypes: [.float])

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
    x > 0 ? x : Double(alpha) * expm1(x)
  }

  /// 1 where x > 0, else alpha e^x.
  public func slope(_ x: Double) -> Double {
    x > 0 ? 1 : Double(alpha) * exp(x)
  }

  public var function: ElementwiseFunction? { .elu(alpha: alpha) }
}
