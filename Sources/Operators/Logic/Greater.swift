import GraphIR
import TensorCore

/// `A > B`, with multidirectional broadcasting (ONNX Greater, opset 7, 9, 13).
package struct Greater: Comparison {
  package static let schema = OperatorSchema(
    "Greater", since: 7, inputs: 2...2, inputTypes: [.numeric])

  package static let relation = Relation.greater

  package init() {}
}
