import GraphIR
import TensorCore

/// `A > B`, with multidirectional broadcasting (ONNX Greater, opset 7, 9, 13).
public struct Greater: Comparison {
  public static let schema = OperatorSchema(
    "Greater", since: 7, inputs: 2...2, inputTypes: [.numeric])

  public static let relation = Relation.greater

  public init() {}
}
