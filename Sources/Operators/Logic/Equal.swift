import GraphIR
import TensorCore

/// `A == B`, with multidirectional broadcasting (ONNX Equal, opset 7, 11, 13, 19).
package struct Equal: Comparison {
  package static let schema = OperatorSchema(
    "Equal", since: 7, inputs: 2...2, inputTypes: [.numeric + [.bool]])

  package static let relation = Relation.equal
  package static let takesBooleans = true

  package init() {}
}
