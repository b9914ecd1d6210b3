import GraphIR
import TensorCore

/// `y = arcsinh(x)` (ONNX Asinh, opset 9, 22).
public struct Asinh: ElementwiseFormula {
  public static let schema = OperatorSchema(
    "Asinh", since: 9, inputs: 1...1, inputTypes: [.float])

  public init() {}
  public init(attributes: AttributeReader) { self.init() }

  public func value(_ x: Double) -> Double { asinh(x) }

  /// 1 / sqrt(x^2 + 1).
  public func slope(_ x: Double) -> Double { 1 / (x * x + 1).squareRoot() }
}
