import GraphIR
import TensorCore

/// `y = cosh(x)` (ONNX Cosh, opset 9, 22).
public struct Cosh: ElementwiseFormula {
  public static let schema = OperatorSchema(
    "Cosh", since: 9, inputs: 1...1, inputTypes: [.float])

  public init() {}
  public init(attributes: AttributeReader) { self.init() }

  public func value(_ x: Double) -> Double { cosh(x) }

  /// sinh(x).
  public func slope(_ x: Double) -> Double { sinh(x) }
}
