import GraphIR
import TensorCore

/// `y = arctanh(x)` (ONNX Atanh, opset 9, 22).
public struct Atanh: ElementwiseFormula {
  public static let schema = OperatorSchema(
    "Atanh", since: 9, inputs: 1...1, inputTypes: [.float])

  public init() {}
  public init(attributes: AttributeReader) { self.init() }

  public func value(_ x: Double) -> Double { atanh(x) }

  /// 1 / (1 - x^2).
  public func slope(_ x: Double) -> Double { 1 / (1 - x * x) }
}
