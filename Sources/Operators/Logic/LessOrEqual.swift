import GraphIR
import TensorCore

/// `A <= B`, with multidirectional broadcasting (ONNX LessOrEqual, opset 12, 16).
package struct LessOrEqual: Comparison {
  package static let schema = OperatorSchema(
    "LessOrEqual", since: 12, inputs: 2...2, inputTypes: [.numeric])

  package static let relation = Relation.lessOrEqual

  package init() {}
}
