import GraphIR
import TensorCore

/// `y = x` (ONNX Identity, opset 1, 13, 14, 16 to 25).
public struct Identity: UnaryElementwise {
  public static let schema = OperatorSchema("Identity", since: 1, inputs: 1...1)

  public init() {}
  public init(attributes: AttributeReader) { self.init() }
}
