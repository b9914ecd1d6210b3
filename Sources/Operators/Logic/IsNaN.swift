import GraphIR
import TensorCore

/// Whether x is not a number (ONNX IsNaN, opset 9, 13, 20).
public struct IsNaN: ElementPredicate {
  public static let schema = OperatorSchema(
    "IsNaN", since: 9, inputs: 1...1, inputTypes: [.float])

  public init() {}
  public init(attributes: AttributeReader) { self.init() }

  public func holds(_ x: Double) -> Bool { x.isNaN }
}
