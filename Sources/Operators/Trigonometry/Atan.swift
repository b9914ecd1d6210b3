import GraphIR
import TensorCore

/// `y = arctan(x)` (ONNX Atan, opset 7, 22).
public struct Atan: ElementwiseFormula {
  public static let schema = OperatorSchema(
    "Atan", since: 7, inputs: 1...1, inputTypes: [.float])

  public init() {}
  public init(attributes: AttributeReader) { self.init() }

  public func value(_ x: Double) -> Double { atan(x) }

  /// 1 / (1 + x^2).
  public func slope(_ x: Double) -> Double { 1 / (1 + x * x) }
}
