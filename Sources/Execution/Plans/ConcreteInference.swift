import GraphIR
import TensorCore

/// Shapes and constants of all values that a set of results needs, for given shapes of what is fed.
///
/// Whatever depends only on constants and shapes is computed here, so that no shape arithmetic is left to
/// run. Where a shape follows from values that only a run gives, the node is ``undecided``, and what lies behind it has
/// no types.
struct ConcreteInference {
  /// The nodes to run, producers first, without those that were computed here.
  private(set) var nodes: [NodeID] = []
  private(set) var types: [ValueID: ConcreteType] = [:]
  private(set) var constants: [ValueID: Tensor] = [:]
  /// Computed constants that hold for any fed shape.
  private(set) var folded: [ValueID: Tensor] = [:]
  private var lasting: Set<ValueID> = []
  /// The nodes that have to be computed by themselves before anything is known of what lies behind them. Their own inputs
  /// and captures are known.
  private(set) var undecided: [Undecided] = []

  struct Undecided {
    var node: NodeID
    /// What is wrong where they can't be computed by themselves.
    var reason: ExecutionError
  }

  /// - Parameters:
  ///   - fed: types of the values that the caller gives.
  ///   - known: what an earlier inference folded.
  ///   - values: fed tensors that count as constants, for this inference only.
  ///   - alone: nodes to leave undecided although their shapes follow, with the reason.
  ///   - original: the graph that this one was made of for the fed shapes; only its constants last.
  /// - Throws: ``ExecutionError`` where a node can't be run or its inputs don't fit.
  init(
    _ graph: Graph, fed: [ValueID: ConcreteType], results: [ValueID],
    known: [ValueID: Tensor], values: [ValueID: Tensor] = [:],
    alone: [NodeID: ExecutionError] = [:], original: Graph? = nil
  ) throws(ExecutionError) {
    for (value, type) in fed { types[value] = type }
    for (value, tensor) in values { setConstant(value, tensor) }
    let order: [NodeID]
    do { order = try graph.topologicalOrder() } catch { throw .graph(error) }
    let needed = try Self.needed(graph, fed: fed, results: results, known: known)
    for value in needed.values {
      guard let constant = fed[value] == nil ? graph[value].constant ?? known[value] : nil else {
        continue
      }
      setConstant(value, constant)
      if let original, known[value] == nil {
        guard original.contains(value), original[value].constant != nil else { continue }
      }
      lasting.insert(value)
    }
    // What lies behind undecided nodes.
    var open: Set<ValueID> = []
    for id in order where needed.nodes.contains(id) {
      let node = graph[id]
      guard !node.reads(anyOf: open) else {
        open.formUnion(node.outputs.compactMap { $0 })
        continue
      }
      let outputs: [ConcreteType?]
      do throws(ExecutionError) {
        if let reason = alone[id], !node.inputs.allSatisfy({ isConstant($0) }) { throw reason }
        outputs = try infer(node, graph)
      } catch {
        guard error.asksForValues || node.op is any ControlFlowOperator else { throw error }
        undecided.append(Undecided(node: id, reason: error))
        open.formUnion(node.outputs.compactMap { $0 })
        continue
      }
      let inputs = node.inputs.compactMap { $0 }
      let folds = (node.op as? any StaticOperator)?.fold(infos(node))
      guard node.inputs.allSatisfy({ isConstant($0) }) || folds != nil else {
        nodes.append(id)
        continue
      }
      let results = if let folds { folds } else { try evaluate(node, outputs) }
      for case (let output?, let tensor) in zip(node.outputs, results) {
        setConstant(output, tensor)
        // What a Shape node gives holds for the fed shapes only, and so does all that follows from it.
        if original == nil, inputs.allSatisfy(lasting.contains) {
          lasting.insert(output)
          folded[output] = tensor
        }
      }
    }
    nodes = readNodes(graph, results: results)
  }

  private func isConstant(_ input: ValueID?) -> Bool { input.map { constants[$0] != nil } ?? true }

  /// The nodes without those whose results only a folded node would have read.
  private func readNodes(_ graph: Graph, results: [ValueID]) -> [NodeID] {
    var read = Set(results)
    var kept: [NodeID] = []
    for id in nodes.reversed() {
      let node = graph[id]
      guard node.outputs.contains(where: { $0.map(read.contains) ?? false }) else { continue }
      kept.append(id)
      read.formUnion(node.inputs.compactMap { $0 })
    }
    return kept.reversed()
  }

  /// Refuses a graph that can't be run in one go.
  ///
  /// - Throws: why the first undecided node is.
  func requireDecided() throws(ExecutionError) {
    if let first = undecided.first { throw first.reason }
  }

  /// Whether a value is the same constant whatever shapes are fed.
  func isLasting(_ value: ValueID) -> Bool { lasting.contains(value) }

  private mutating func setConstant(_ value: ValueID, _ tensor: Tensor) {
    let tensor = tensor.aligned
    constants[value] = tensor
    types[value] = ConcreteType(tensor.elementType, tensor.shape)
  }

  /// What has to be computed or known, from the results backwards.
  private static func needed(
    _ graph: Graph, fed: [ValueID: ConcreteType], results: [ValueID], known: [ValueID: Tensor]
  ) throws(ExecutionError) -> (nodes: Set<NodeID>, values: [ValueID]) {
    var nodes: Set<NodeID> = []
    var values: [ValueID] = []
    var seen: Set<ValueID> = []
    var stack = results
    while let value = stack.popLast() {
      guard seen.insert(value).inserted else { continue }
      values.append(value)
      if fed[value] != nil || graph[value].constant != nil || known[value] != nil { continue }
      guard let node = graph.producer(of: value) else {
        throw graph.inputs.contains(value)
          ? .missingInput(name: graph[value].name) : .notComputable(name: graph[value].name)
      }
      guard nodes.insert(node.id).inserted else { continue }
      stack += node.sources
    }
    return (nodes, values)
  }

  private func infos(_ node: Node) -> [InputInfo?] {
    node.inputs.map { input in
      input.map { value in
        InputInfo(
          type: types[value].map { TensorType($0.elementType, shape: $0.shape) },
          constant: constants[value])
      }
    }
  }

  /// Infers the types of a node's outputs, all of them fixed.
  private mutating func infer(_ node: Node, _ graph: Graph) throws(ExecutionError)
    -> [ConcreteType?]
  {
    if let obstacle = ControlFlowInliner.obstacle(node.id, in: graph) {
      throw ExecutionError(.operator(obstacle), node)
    }
    if node.op.isOpaque {
      throw .unsupported(
        node: node.name, type: node.op.type,
        what: "operator '\(node.op.domain.isEmpty ? "" : node.op.domain + ".")\(node.op.type)'")
    }
    let inferred: [TensorType?]
    do { inferred = try node.op.inferChecked(infos(node)) } catch {
      throw ExecutionError(.operator(error), node)
    }
    var outputs: [ConcreteType?] = []
    for (index, output) in node.outputs.enumerated() {
      guard let output else {
        outputs.append(nil)
        continue
      }
      guard index < inferred.count, let type = inferred[index], let shape = type.shape else {
        throw .shapeDependsOnData(node: node.name, type: node.op.type)
      }
      let concrete = ConcreteType(type.elementType, shape)
      types[output] = concrete
      outputs.append(concrete)
    }
    return outputs
  }

  /// Computes a node whose inputs are constant.
  private func evaluate(_ node: Node, _ outputs: [ConcreteType?]) throws(ExecutionError)
    -> [Tensor]
  {
    let inputs = node.inputs.map { $0.flatMap { constants[$0] } }
    do {
      return try ConstantEvaluator.evaluate(node.op, inputs: inputs, outputs: outputs)
    } catch { throw ExecutionError(error, node) }
  }
}

extension Node {
  /// What the node reads, itself and in its subgraphs.
  var sources: [ValueID] { inputs.compactMap { $0 } + captures.map(\.value) }

  func reads(anyOf values: Set<ValueID>) -> Bool {
    !values.isEmpty && sources.contains(where: values.contains)
  }
}
