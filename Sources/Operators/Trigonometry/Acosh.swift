import GraphIR
import TensorCore

/// `y = arccosh(x)` (ONNX Acosh, opset 9, 22).
public struct Acosh: ElementwiseFormula {
  public static let schema = OperatorSchema(
    "Acosh", since: 9, inputs: 1...1, inputTypes: [.float])

  public init() {}
  public init(attributes: AttributeReader) { self.init() }

  public func value(_ x: Double) -> Double { acosh(x) }

  /// 1 / sqrt(x^2 - 1).
  public func slope(_ x: Double) -> Double { 1 / (x * x - 1).squareRoot() }
}
