import GraphIR
import TensorCore

/// `y = sin(x)` (ONNX Sin, opset 7, 22).
public struct Sin: ElementwiseFormula {
  public static let schema = OperatorSchema(
    "Sin", since: 7, inputs: 1...1, inputTypes: [.float])

  public init() {}
  public init(attributes: AttributeReader) { self.init() }

  public func value(_ x: Double) -> Double { sin(x) }

  /// cos(x).
  public func slope(_ x: Double) -> Double { cos(x) }
}
