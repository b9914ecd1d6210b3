import GraphIR
import TensorCore

/// An operator with subgraphs, which never runs: its bodies take its place once what decides is constant.
public protocol ControlFlowOperator: Operator {
  /// Replaces the node by its bodies.
  ///
  /// - Throws: ``OperatorError/needsConstant(input:)`` where what decides isn't constant, and
  ///   ``OperatorError`` where the bodies don't fit the node or become too many nodes.
  func inline(_ node: Node, _ inliner: inout ControlFlowInliner) throws(OperatorError)
}

extension ControlFlowOperator {
  /// Types of the outputs are those that the file states.
  public func infer(_ inputs: [InputInfo?]) -> [TensorType?] { [] }
}
