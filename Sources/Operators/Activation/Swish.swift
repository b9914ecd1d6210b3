import DNNEngine
import GraphIR
import TensorCore

/// `y = x / (1 + e ^ -(alpha x))` (ONNX Swish, opset 24).
public struct Swish: ElementwiseFormula {
  public static let schema = OperatorSchema(
    "Swish", since: 24, inputs: 1...1, inputTypes: [.float])

  public func cannotBeNegative(_ operands: OperandSigns) -> Bool { operands.first }

  public var alpha: Float

  public init(alpha: Float = 1) { self.alpha = alpha }

  public init(attributes: AttributeReader) throws(OperatorError) {
    self.init(alpha: try attributes.float("alpha", default: 1))
  }

  public func attributes() -> [Attribute] { [Attribute("alpha", .float(alpha))] }

  public func value(_ x: Double) -> Double { x / (1 + exp(-Double(alpha) * x)) }

  /// s + alpha x s (1 - s), with s the sigmoid of alpha x.
  public func slope(_ x: Double) -> Double {
    let s = 1 / (1 + exp(-Double(alpha) * x))
    return s + Double(alpha) * x * s * (1 - s)
  }

  public var function: ElementwiseFunction? { .swish(alpha: alpha) }
}
