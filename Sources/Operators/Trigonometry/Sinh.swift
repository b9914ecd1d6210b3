import GraphIR
import TensorCore

/// `y = sinh(x)` (ONNX Sinh, opset 9, 22).
public struct Sinh: ElementwiseFormula {
  public static let schema = OperatorSchema(
    "Sinh", since: 9, inputs: 1...1, inputTypes: [.float])

  public init() {}
  public init(attributes: AttributeReader) { self.init() }

  public func value(_ x: Double) -> Double { sinh(x) }

  /// cosh(x).
  public func slope(_ x: Double) -> Double { cosh(x) }
}
