import GraphIR
import TensorCore

/// `y = the natural logarithm of x` (ONNX Log, opset 6, 13).
public struct Log: ElementwiseFormula {
  public static let schema = OperatorSchema(
    "Log", since: 6, inputs: 1...1, inputTypes: [.float])

  public init() {}
  public init(attributes: AttributeReader) { self.init() }

  public func value(_ x: Double) -> Double { log(x) }

  /// 1 / x.
  public func slope(_ x: Double) -> Double { 1 / x }
}
