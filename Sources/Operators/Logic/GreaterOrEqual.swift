import GraphIR
import TensorCore

/// `A >= B`, with multidirectional broadcasting (ONNX GreaterOrEqual, opset 12, 16).
public struct GreaterOrEqual: Comparison {
  public static let schema = OperatorSchema(
    "GreaterOrEqual", since: 12, inputs: 2...2, inputTypes: [.numeric])

  public static let relation = Relation.greaterOrEqual

  public init() {}
}
