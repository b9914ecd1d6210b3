import GraphIR
import TensorCore

/// `y = arccos(x)` (ONNX Acos, opset 7, 22).
public struct Acos: ElementwiseFormula {
  public static let schema = OperatorSchema(
    "Acos", since: 7, inputs: 1...1, inputTypes: [.float])

  public init() {}
  public init(attributes: AttributeReader) { self.init() }

  public func value(_ x: Double) -> Double { acos(x) }

  /// -1 / sqrt(1 - x^2).
  public func slope(_ x: Double) -> Double { -1 / (1 - x * x).squareRoot() }
}
