import GraphIR
import TensorCore

/// `A == B`, with multidirectional broadcasting (ONNX Equal, opset 7, 11, 13, 19).
public struct Equal: Comparison {
  public static let schema = OperatorSchema(
    "Equal", since: 7, inputs: 2...2, inputTypes: [.numeric + [.bool]])

  public static let relation = Relation.equal
  public static let takesBooleans = true

  public init() {}
}
