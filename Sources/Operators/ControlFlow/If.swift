import Execution
import GraphIR
import TensorCore

/// One of two subgraphs without inputs, by a condition of one element (ONNX If, opset 1, 11, 13, 16 to 25).
package struct If: SerializableOperator, ControlFlowOperator {
  package static let schema = OperatorSchema("If", since: 1, inputs: 1...1, outputs: 1...Int.max)

  private let thenBranch: Subgraph
  private let elseBranch: Subgraph
  private let raw: [Attribute]

  package init(attributes: AttributeReader) throws(OperatorError) {
    guard let first = try attributes.subgraph("then_branch") else {
      throw .missingAttribute(name: "then_branch")
    }
    guard let second = try attributes.subgraph("else_branch") else {
      throw .missingAttribute(name: "else_branch")
    }
    (thenBranch, elseBranch, raw) = (first, second, attributes.attributes)
  }

  package func attributes() -> [Attribute] { raw }

  package func raise(_ node: NodeID, in graph: inout Graph, across opsets: OpsetRange)
    throws(OperatorError) -> String?
  {
    try thenBranch.requireSameForm(across: opsets)
    try elseBranch.requireSameForm(across: opsets)
    return nil
  }

  package func inline(_ node: Node, _ inliner: inout ControlFlowInliner) throws(OperatorError) {
    guard let condition = node.inputs[0] else { throw .missingInput(index: 0, name: "cond") }
    let isTrue = try inliner.constantScalar(condition, "cond") != 0
    let body = try (isTrue ? thenBranch : elseBranch).decoded()
    let count = body.graph.outputs.count
    guard count >= node.outputs.count else {
      throw .arity(what: "outputs", expected: 0...count, actual: node.outputs.count)
    }
    let results = try inliner.splice(body, of: node, prefix: node.name + "/", inputs: [])
    for case (let output?, let result) in zip(node.outputs, results) {
      inliner.assign(result, to: output, of: node.id)
    }
  }
  package func run(_ node: Node, _ inputs: [Tensor?], _ bodies: BodyRunner)
    throws(ExecutionError) -> [Tensor]
  {
    guard let condition = inputs[0] else {
      throw bodies.error(.missingInput(index: 0, name: "cond"))
    }
    return try bodies.run(try bodies.scalar(condition, "cond") != 0 ? thenBranch : elseBranch, [])
  }
}
