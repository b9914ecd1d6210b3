import DNNEngine
import GraphIR
import TensorCore

/// `C = A - B`, with multidirectional broadcasting (ONNX Sub, opset 7, 13, 14).
public struct Sub: BinaryElementwise {
  public static let schema = OperatorSchema("Sub", inputs: 2...2, inputTypes: [.numeric])

  public static let function = BinaryFunction.subtract

  public init() {}
}
