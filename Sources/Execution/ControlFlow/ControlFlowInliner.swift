import GraphIR
import TensorCore

/// Replaces control flow whose decisions are constant by what it computes.
///
/// 1. `If` with a constant condition: the branch.
/// 2. `Loop` with a constant trip count, or a condition that each iteration makes constant: the iterations in
///    a row.
/// 3. `Scan` over a sequence of known length: the same.
///
/// Bodies are looked through too. What isn't constant stays as it is.
package struct ControlFlowInliner {
  package private(set) var graph: Graph
  private var known: [ValueID: Tensor] = [:]
  private var addedNodes = 0

  /// Iterations of one loop that are written in a row.
  package static let maximumIterations = 4096
  /// Nodes that all bodies together may become.
  private static let maximumNodes = 1 << 18
  /// Nodes that are looked at to find out whether a value is constant.
  private static let maximumCone = 1 << 16

  /// Hands a value on, so that it gets another name.
  private let identity: any Operator

  private init(_ graph: Graph, for op: any ControlFlowOperator) {
    self.graph = graph
    identity = op.identity
  }

  /// - Returns: the nodes that were replaced, by name.
  package static func run(_ graph: inout Graph) -> [String] {
    var replaced: [String] = []
    var hasChanged = true
    while hasChanged {
      hasChanged = false
      for id in graph.nodeIDs {
        guard let op = graph[id].op as? any ControlFlowOperator else { continue }
        var inliner = ControlFlowInliner(graph, for: op)
        let node = graph[id]
        guard (try? op.inline(node, &inliner)) != nil else { continue }
        inliner.graph.remove(id)
        graph = inliner.graph
        replaced.append(node.name)
        hasChanged = true
        guard graph.nodeIDs.count < maximumNodes else { return replaced }
      }
    }
    return replaced
  }

  /// Why a node can't be replaced.
  static func obstacle(_ id: NodeID, in graph: Graph) -> OperatorError? {
    guard let op = graph[id].op as? any ControlFlowOperator else { return nil }
    var inliner = ControlFlowInliner(graph, for: op)
    do {
      try op.inline(graph[id], &inliner)
      return .unsupported(what: "control flow of so many nodes")
    } catch {
      return error
    }
  }

  // MARK: What operators build with

  /// Copies a body into the graph.
  ///
  /// - Parameters:
  ///   - inputs: for each of the body's own inputs; what it captures is found by name among the node's captures.
  /// - Returns: the values of the body's outputs.
  package mutating func splice(
    _ body: DecodedSubgraph, of node: Node, prefix: String, inputs: [ValueID?]
  ) throws(OperatorError) -> [ValueID] {
    addedNodes += body.graph.nodeIDs.count + 1
    guard addedNodes <= Self.maximumNodes else {
      throw .unsupported(what: "a loop that becomes more than \(Self.maximumNodes) nodes")
    }
    guard inputs.count == body.inputCount else {
      throw .arity(
        what: "inputs of the body", expected: inputs.count...inputs.count, actual: body.inputCount)
    }
    let captured = body.capturedNames.map { name in
      node.captures.first { $0.name == name }?.value
    }
    let results = body.graph.outputs.map {
      graph.addValue(name: prefix + body.graph[$0].name, type: body.graph[$0].type)
    }
    graph.splice(
      body.graph, prefix: prefix, inputs: inputs + captured, outputs: results,
      identity: identity)
    return results
  }

  package mutating func add(
    _ op: any Operator, _ name: String, inputs: [ValueID?], type: TensorType? = nil
  ) -> ValueID {
    graph.addNode(op, name: name, inputs: inputs, output: name, type: type)
  }

  package mutating func add(constant: Tensor, _ name: String) -> ValueID {
    graph.addConstant(name: name, constant)
  }

  /// Lets an output of the node that goes away carry a value.
  package mutating func assign(_ value: ValueID, to output: ValueID, of node: NodeID) {
    // The node is removed afterwards, so its outputs are free to be written by another one.
    graph.release(output, from: node)
    graph.addNode(identity, name: graph[output].name, inputs: [value], outputs: [output])
  }

  /// The elements of a value that constants and known shapes determine.
  package mutating func constant(_ value: ValueID) -> Tensor? {
    if let tensor = graph[value].constant ?? known[value] { return tensor }
    for id in cone(value) {
      let node = graph[id]
      let infos = node.inputs.map { input in
        input.map {
          let tensor = graph[$0].constant ?? known[$0]
          return InputInfo(type: tensor?.type ?? graph[$0].type, constant: tensor)
        }
      }
      guard (try? node.op.inferChecked(infos)) != nil else { continue }
      var results = (node.op as? any StaticOperator)?.fold(infos)
      if results == nil, infos.allSatisfy({ $0 == nil || $0?.constant != nil }) {
        results = try? ConstantEvaluator.evaluate(
          node.op, inputs: infos.map { $0?.constant }, outputCount: node.outputs.count)
      }
      for case (let output?, let tensor) in zip(node.outputs, results ?? []) {
        known[output] = tensor
      }
    }
    return known[value]
  }

  /// A scalar that constants determine, as an integer.
  package mutating func constantScalar(_ value: ValueID, _ name: String) throws(OperatorError)
    -> Int
  {
    guard let tensor = constant(value) else { throw .needsConstant(input: name) }
    guard tensor.count == 1, let number = tensor.integers()?.first else {
      throw .mismatch(what: "elements of \(name)", expected: "1", actual: "\(tensor.count)")
    }
    return number
  }

  /// What a value is computed by, producers first; empty where that is too much to look at.
  private func cone(_ value: ValueID) -> [NodeID] {
    var order: [NodeID] = []
    var seen: Set<NodeID> = []
    var stack: [(node: NodeID, isDone: Bool)] = []
    func push(_ value: ValueID?) {
      guard let value, known[value] == nil, let producer = graph[value].producer,
        !seen.contains(producer)
      else { return }
      stack.append((producer, false))
    }
    push(value)
    while let (id, isDone) = stack.popLast() {
      if isDone {
        order.append(id)
        continue
      }
      guard seen.insert(id).inserted else { continue }
      guard seen.count <= Self.maximumCone else { return [] }
      stack.append((id, true))
      for input in graph[id].inputs { push(input) }
    }
    return order
  }
}
