import GraphIR
import TensorCore

/// `A xor B`, with multidirectional broadcasting (ONNX Xor, opset 7).
package struct Xor: LogicalOperator {
  package static let schema = OperatorSchema("Xor", inputs: 2...2, inputTypes: [[.bool]])

  package init() {}

  package func value(_ a: Bool, _ b: Bool) -> Bool { a != b }
}
