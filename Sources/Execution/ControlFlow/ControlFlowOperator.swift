import GraphIR
import TensorCore

/// An operator with subgraphs. Its bodies take its place where what decides is constant; else they run by themselves,
/// between what comes before the node and what comes behind it.
package protocol ControlFlowOperator: Operator {
  /// Replaces the node by its bodies.
  ///
  /// - Throws: ``OperatorError/needsConstant(input:)`` where what decides isn't constant, and
  ///   ``OperatorError`` where the bodies don't fit the node or become too many nodes.
  func inline(_ node: Node, _ inliner: inout ControlFlowInliner) throws(OperatorError)

  /// Computes the outputs from the inputs, by running the bodies.
  ///
  /// - Throws: ``ExecutionError`` where the inputs don't fit, or the bodies can't be run.
  func run(_ node: Node, _ inputs: [Tensor?], _ bodies: BodyRunner) throws(ExecutionError)
    -> [Tensor]

  /// The operator that hands a value on unchanged, by which what a body computes gets the names of the node's outputs.
  var identity: any Operator { get }
}

extension ControlFlowOperator {
  /// Types of the outputs are those that the file states.
  package func infer(_ inputs: [InputInfo?]) -> [TensorType?] { [] }
}
