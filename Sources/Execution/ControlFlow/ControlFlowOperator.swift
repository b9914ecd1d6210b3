import GraphIR
import TensorCore

/// An operator with subgraphs, which never runs: its bodies take its place once what decides is constant.
package protocol ControlFlowOperator: Operator {
  /// Replaces the node by its bodies.
  ///
  /// - Throws: ``OperatorError/needsConstant(input:)`` where what decides isn't constant, and
  ///   ``OperatorError`` where the bodies don't fit the node or become too many nodes.
  func inline(_ node: Node, _ inliner: inout ControlFlowInliner) throws(OperatorError)

  /// The operator that hands a value on unchanged, by which what a body computes gets the names of the node's outputs.
  var identity: any Operator { get }
}

extension ControlFlowOperator {
  /// Types of the outputs are those that the file states.
  package func infer(_ inputs: [InputInfo?]) -> [TensorType?] { [] }
}
