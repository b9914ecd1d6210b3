import DNNEngine
import GraphIR
import TensorCore

/// `C = A / B`, with multidirectional broadcasting (ONNX Div, opset 7, 13, 14).
public struct Div: BinaryElementwise {
  public static let schema = OperatorSchema("Div", inputs: 2...2, inputTypes: [.numeric])

  public static let function = BinaryFunction.divide

  public init() {}
}
