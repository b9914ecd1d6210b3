import GraphIR
import TensorCore

/// `y = arcsin(x)` (ONNX Asin, opset 7, 22).
public struct Asin: ElementwiseFormula {
  public static let schema = OperatorSchema(
    "Asin", since: 7, inputs: 1...1, inputTypes: [.float])

  public init() {}
  public init(attributes: AttributeReader) { self.init() }

  public func value(_ x: Double) -> Double { asin(x) }

  /// 1 / sqrt(1 - x^2).
  public func slope(_ x: Double) -> Double { 1 / (1 - x * x).squareRoot() }
}
