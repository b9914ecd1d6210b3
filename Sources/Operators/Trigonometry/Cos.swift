import GraphIR
import TensorCore

/// `y = cos(x)` (ONNX Cos, opset 7, 22).
public struct Cos: ElementwiseFormula {
  public static let schema = OperatorSchema(
    "Cos", since: 7, inputs: 1...1, inputTypes: [.float])

  public init() {}
  public init(attributes: AttributeReader) { self.init() }

  public func value(_ x: Double) -> Double { cos(x) }

  /// -sin(x).
  public func slope(_ x: Double) -> Double { -sin(x) }
}
