import GraphIR
import TensorCore

/// Runs the subgraphs of one node, each in a session that is kept for the next time.
package final class BodyRunner {
  /// Iterations of one loop. A loop that a file makes endless ends with an error.
  package static let maximumIterations = 1 << 20

  private struct Body {
    var session: Session
    var inputs: [ValueID]
    /// Captured values that change from run to run, with their names.
    var captures: [(name: String, value: ValueID)]
  }

  private let node: Node
  private let options: Session.Options
  /// Captured values that are constants of the graph around.
  private let constants: [String: Tensor]
  private var bodies: [Subgraph: Body] = [:]
  /// The values that the subgraphs read from the graph around, by name.
  var captured: [String: Tensor] = [:]

  init(_ node: Node, in graph: Graph, options: Session.Options) {
    self.node = node
    self.options = options
    var constants: [String: Tensor] = [:]
    for capture in node.captures { constants[capture.name] = graph[capture.value].constant }
    self.constants = constants
  }

  /// The outputs of a subgraph.
  ///
  /// - Parameter inputs: the subgraph's own inputs, in order.
  /// - Throws: ``ExecutionError`` where they are of another number or the subgraph can't be run.
  package func run(_ subgraph: Subgraph, _ inputs: [Tensor?]) throws(ExecutionError) -> [Tensor] {
    let body = try body(subgraph)
    guard body.inputs.count == inputs.count else {
      throw error(
        .arity(
          what: "inputs of the body", expected: inputs.count...inputs.count,
          actual: body.inputs.count))
    }
    var feeds: [ValueID: Tensor] = [:]
    for (value, tensor) in zip(body.inputs, inputs) { feeds[value] = tensor }
    for (name, value) in body.captures { feeds[value] = captured[name] }
    let graph = body.session.graph
    let results = try body.session.run(feeds, fetch: graph.outputs)
    var outputs: [Tensor] = []
    for value in graph.outputs {
      guard let tensor = results[value] else { throw .notComputable(name: graph[value].name) }
      outputs.append(tensor)
    }
    return outputs
  }

  /// A subgraph that is decoded, for what its values are declared as.
  package func graph(of subgraph: Subgraph) throws(ExecutionError) -> Graph {
    try body(subgraph).session.graph
  }

  /// One operator by itself, of which the first output counts.
  package func compute(_ op: any Operator, _ inputs: [Tensor]) throws(ExecutionError) -> Tensor {
    do throws(KernelError) {
      if let result = try ConstantEvaluator.evaluate(op, inputs: inputs).first { return result }
    } catch { throw ExecutionError(error, node) }
    throw error(.unsupported(what: "an operator without outputs"))
  }

  /// What is wrong with the node whose subgraphs these are.
  package func error(_ error: OperatorError) -> ExecutionError {
    ExecutionError(.operator(error), node)
  }

  private func body(_ subgraph: Subgraph) throws(ExecutionError) -> Body {
    if let body = bodies[subgraph] { return body }
    let decoded: DecodedSubgraph
    do throws(OperatorError) { decoded = try subgraph.decoded() } catch { throw self.error(error) }
    var graph = decoded.graph
    // What a body states of its inputs, files get wrong, and iterations change.
    for value in graph.inputs { graph[value].type = nil }
    var captures: [(name: String, value: ValueID)] = []
    for value in graph.inputs.dropFirst(decoded.inputCount) {
      let name = graph[value].name
      if let constant = constants[name] {
        graph.setConstant(value, constant)
      } else {
        captures.append((name, value))
      }
    }
    let body = Body(
      session: try Session(graph: graph, options: options, holdsForValues: false),
      inputs: Array(graph.inputs.prefix(decoded.inputCount)), captures: captures)
    bodies[subgraph] = body
    return body
  }
}
