import GraphIR
import TensorCore

/// `A < B`, with multidirectional broadcasting (ONNX Less, opset 7, 9, 13).
package struct Less: Comparison {
  package static let schema = OperatorSchema(
    "Less", since: 7, inputs: 2...2, inputTypes: [.numeric])

  package static let relation = Relation.less

  package init() {}
}
