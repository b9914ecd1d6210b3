import GraphIR
import TensorCore

/// `A and B`, with multidirectional broadcasting (ONNX And, opset 7).
package struct And: LogicalOperator {
  package static let schema = OperatorSchema("And", inputs: 2...2, inputTypes: [[.bool]])

  package init() {}

  package func value(_ a: Bool, _ b: Bool) -> Bool { a && b }
}
