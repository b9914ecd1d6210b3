import GraphIR
import TensorCore

/// `A or B`, with multidirectional broadcasting (ONNX Or, opset 7).
package struct Or: LogicalOperator {
  package static let schema = OperatorSchema("Or", inputs: 2...2, inputTypes: [[.bool]])

  package init() {}

  package func value(_ a: Bool, _ b: Bool) -> Bool { a || b }
}
