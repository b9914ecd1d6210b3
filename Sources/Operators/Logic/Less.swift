import GraphIR
import TensorCore

/// `A < B`, with multidirectional broadcasting (ONNX Less, opset 7, 9, 13).
public struct Less: Comparison {
  public static let schema = OperatorSchema(
    "Less", since: 7, inputs: 2...2, inputTypes: [.numeric])

  public static let relation = Relation.less

  public init() {}
}
