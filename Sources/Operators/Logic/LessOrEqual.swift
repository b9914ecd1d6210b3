import GraphIR
import TensorCore

/// `A <= B`, with multidirectional broadcasting (ONNX LessOrEqual, opset 12, 16).
public struct LessOrEqual: Comparison {
  public static let schema = OperatorSchema(
    "LessOrEqual", since: 12, inputs: 2...2, inputTypes: [.numeric])

  public static let relation = Relation.lessOrEqual

  public init() {}
}
