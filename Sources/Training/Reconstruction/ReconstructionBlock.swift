import GraphIR

/// A part of a network that is connected to the rest by one value on either side: a residual block with what follows
/// its addition, or a single layer with its normalization and activation.
struct ReconstructionBlock: Sendable, Hashable {
  /// The value that the block reads; for the first block, all inputs of the graph.
  var inputs: [ValueID]
  var output: ValueID

  /// The blocks of a graph from its inputs on, each of which reads what the one before it gives.
  ///
  /// A value ends a block where every path from the inputs to the outputs leads through it, a layer lies between the
  /// end of the previous block and it, and a layer or several nodes read it. What follows the last such value of a
  /// graph with several outputs belongs to no block.
  ///
  /// - Throws: ``GraphError/cycle(nodes:)`` where nodes depend on themselves.
  static func all(in graph: Graph) throws(GraphError) -> [ReconstructionBlock] {
    let order = try graph.topologicalOrder()
    let readers = Readers(graph, order)
    var live = Set(graph.inputs.filter { readers.count[$0] ?? 0 > 0 })
    var remaining = readers.count
    var blocks: [ReconstructionBlock] = []
    var start = graph.inputs
    var holdsLayer = false
    for id in order where readers.computing.contains(id) {
      let node = graph[id]
      for input in Set(node.inputs.compactMap { $0 }) where readers.dependent.contains(input) {
        remaining[input, default: 0] -= 1
        if remaining[input] == 0 { live.remove(input) }
      }
      for case let output? in node.outputs where remaining[output] ?? 0 > 0 { live.insert(output) }
      holdsLayer = holdsLayer || isLayer(node)
      guard holdsLayer, live.count == 1, let value = live.first else { continue }
      let next = graph.consumers(of: value).filter(readers.computing.contains)
      if next.count != 1 || isLayer(graph[next[0]]) {
        blocks.append(ReconstructionBlock(inputs: start, output: value))
        start = [value]
        holdsLayer = false
      }
    }
    // What follows the last layer goes with it.
    if let last = blocks.last, graph.outputs == live.sorted(), last.output != graph.outputs[0],
      !holdsLayer
    {
      blocks[blocks.count - 1].output = graph.outputs[0]
    }
    return blocks
  }

  /// Joins blocks that can't be cut at their output with those after them.
  static func joined(_ blocks: [ReconstructionBlock], isCut: (ValueID) -> Bool)
    -> [ReconstructionBlock]
  {
    var result: [ReconstructionBlock] = []
    var inputs: [ValueID]?
    for block in blocks {
      inputs = inputs ?? block.inputs
      guard isCut(block.output), let start = inputs else { continue }
      result.append(ReconstructionBlock(inputs: start, output: block.output))
      inputs = nil
    }
    return result
  }

  private static func isLayer(_ node: Node) -> Bool { node.op.dotProduct != nil }
}

/// Which nodes read a value, among those that lead from a graph's inputs to its outputs.
private struct Readers {
  /// The values that depend on the inputs.
  private(set) var dependent: Set<ValueID>
  private(set) var computing: Set<NodeID> = []
  /// The number of nodes that read a value, and one more where it is an output.
  private(set) var count: [ValueID: Int] = [:]

  init(_ graph: Graph, _ order: [NodeID]) {
    dependent = Set(graph.inputs)
    for id in order where graph[id].inputs.contains(where: { $0.map(dependent.contains) ?? false })
    {
      dependent.formUnion(graph[id].outputs.compactMap { $0 })
    }
    var needed = Set(graph.outputs)
    for output in graph.outputs { count[output, default: 0] += 1 }
    for id in order.reversed() {
      let node = graph[id]
      let outputs = node.outputs.compactMap { $0 }
      guard outputs.contains(where: { needed.contains($0) && dependent.contains($0) }) else {
        continue
      }
      computing.insert(id)
      for input in Set(node.inputs.compactMap { $0 }) where dependent.contains(input) {
        needed.insert(input)
        count[input, default: 0] += 1
      }
    }
  }
}
