import GraphIR
import TensorCore

/// `y = tan(x)` (ONNX Tan, opset 7, 22).
public struct Tan: ElementwiseFormula {
  public static let schema = OperatorSchema(
    "Tan", since: 7, inputs: 1...1, inputTypes: [.float])

  public init() {}
  public init(attributes: AttributeReader) { self.init() }

  public func value(_ x: Double) -> Double { tan(x) }

  /// 1 / cos(x)^2.
  public func slope(_ x: Double) -> Double { 1 / (cos(x) * cos(x)) }
}
