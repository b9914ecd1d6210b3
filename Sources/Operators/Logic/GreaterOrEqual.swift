import GraphIR
import TensorCore

/// `A >= B`, with multidirectional broadcasting (ONNX GreaterOrEqual, opset 12, 16).
package struct GreaterOrEqual: Comparison {
  package static let schema = OperatorSchema(
    "GreaterOrEqual", since: 12, inputs: 2...2, inputTypes: [.numeric])

  package static let relation = Relation.greaterOrEqual

  package init() {}
}
