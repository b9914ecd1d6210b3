import DNNEngine
import GraphIR
import TensorCore

/// `C = A * B`, with multidirectional broadcasting (ONNX Mul, opset 7, 13, 14).
public struct Mul: BinaryElementwise {
  public static let schema = OperatorSchema("Mul", inputs: 2...2, inputTypes: [.numeric])

  public static let function = BinaryFunction.multiply

  public init() {}
}
