import DNNEngine
import GraphIR
import TensorCore

/// `C = A + B`, with multidirectional broadcasting (ONNX Add, opset 7, 13, 14).
public struct Add: BinaryElementwise {
  public static let schema = OperatorSchema("Add", inputs: 2...2, inputTypes: [.numeric])

  public static let function = BinaryFunction.add

  public init() {}
}
