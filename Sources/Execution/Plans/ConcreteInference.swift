import GraphIR
import TensorCore

/// Shapes and constants of all values that a set of results needs, for given shapes of what is fed.
///
/// Whatever depends only on constants and shapes is computed here, so that no shape arithmetic is left to
/// run.
struct ConcreteInference {
  /// The nodes to run, producers first, without those that were computed here.
  private(set) var nodes: [NodeID] = []
  private(set) var types: [ValueID: ConcreteType] = [:]
  private(set) var constants: [ValueID: Tensor] = [:]
  /// Computed constants that hold for any fed shape.
  private(set) var folded: [ValueID: Tensor] = [:]
  private var lasting: Set<ValueID> = []

  /// - Parameters:
  ///   - fed: types of the values that the caller gives.
  ///   - known: what an earlier inference folded.
  ///   - values: fed tensors that count as constants, for this inference only.
  /// - Throws: ``ExecutionError`` where a node can't be run or its inputs don't fit.
  init(
    _ graph: Graph, fed: [ValueID: ConcreteType], results: [ValueID],
    known: [ValueID: Tensor], values: [ValueID: Tensor] = [:]
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
      lasting.insert(value)
    }
    for id in order where needed.nodes.contains(id) {
      let node = graph[id]
      let outputs = try infer(node, graph)
      let inputs = node.inputs.compactMap { $0 }
      let isConstant = inputs.allSatisfy { constants[$0] != nil }
      let folds = (node.op as? any StaticOperator)?.fold(infos(node))
      guard isConstant || folds != nil else {
        nodes.append(id)
        continue
      }
      let results = if let folds { folds } else { try evaluate(node, outputs) }
      for case (let output?, let tensor) in zip(node.outputs, results) {
        setConstant(output, tensor)
        // What a Shape node gives holds for the fed shapes only, and so does all that follows from it.
        if inputs.allSatisfy(lasting.contains) {
          lasting.insert(output)
          folded[output] = tensor
        }
      }
    }
    nodes = readNodes(graph, results: results)
  }

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
      stack += node.inputs.compactMap { $0 }
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
    if node.op is OpaqueOperator {
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
