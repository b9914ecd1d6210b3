import GraphIR
import TensorCore

/// `Z = X ^ Y`, with multidirectional broadcasting (ONNX Pow, opset 7, 12, 13, 15).
///
/// The result has the element type of the base, which the exponent may differ from since opset 12.
public struct Pow: BinaryElementwise {
  public static let schema = OperatorSchema("Pow", inputs: 2...2, inputTypes: [.numeric])

  public init() {}
}
