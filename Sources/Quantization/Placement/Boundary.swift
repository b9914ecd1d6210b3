import GraphIR
import Operators

/// Finds the first and the last dot-product layers of a graph, as a person would name them.
///
/// The first layers read a graph input's own values, the last ones give those of a graph output: by way of operators
/// that move elements, and of functions of that one tensor alone (a rectifier, a normalisation, also one that is
/// written in several operators). A sum with another computed tensor ends the way, as that of a residual stream does;
/// so do masks, shapes, and tables that an input only chooses from.
struct Boundary {
  let first: Set<NodeID>
  let last: Set<NodeID>

  /// - Parameters:
  ///   - layers: all dot-product layers.
  ///   - order: the nodes of `graph` in topological order.
  init(_ layers: [DotProductLayer], in graph: Graph, order: [NodeID]) {
    let layerOfNode = Dictionary(uniqueKeysWithValues: layers.map { ($0.node, $0) })
    var sources = Sources(graph)
    var first: Set<NodeID> = []
    for id in order {
      let node = graph[id]
      guard let layer = layerOfNode[id] else {
        sources.pass(node)
        continue
      }
      if let data = layer.data(in: graph), sources.isInput(data) { first.insert(id) }
      if let output = layer.output(in: graph) { sources.begin(output) }
    }
    let results = graph.outputs.reduce(into: Set<ValueID>()) { $0.formUnion(sources[$1]) }
    self.first = first
    last = Set(
      layers.filter { $0.output(in: graph).map(results.contains) ?? false }.map(\.node))
  }
}

/// For each value, the graph inputs or outputs of layers whose own elements, moved or mapped, it holds.
private struct Sources {
  private let graph: Graph
  private let inputs: Set<ValueID>
  private var sources: [ValueID: Set<ValueID>] = [:]

  init(_ graph: Graph) {
    self.graph = graph
    inputs = Set(graph.inputs)
    for input in graph.inputs { sources[input] = [input] }
  }

  subscript(_ value: ValueID) -> Set<ValueID> { sources[value] ?? [] }

  /// Whether a value holds elements of graph inputs alone.
  func isInput(_ value: ValueID) -> Bool {
    !self[value].isEmpty && self[value].isSubset(of: inputs)
  }

  mutating func begin(_ value: ValueID) { sources[value] = [value] }

  mutating func pass(_ node: Node) {
    for case let output? in node.outputs {
      if let found = found(node, output), !found.isEmpty { sources[output] = found }
    }
  }

  private func found(_ node: Node, _ output: ValueID) -> Set<ValueID>? {
    if let moved = node.movedInputs(to: output) {
      // Elements of several tensors stay their own when they are joined; constants between them don't matter.
      let values = moved.compactMap { node.inputs[$0] }.filter { graph[$0].constant == nil }
      return values.allSatisfy { !self[$0].isEmpty }
        ? values.reduce(into: []) { $0.formUnion(self[$1]) } : nil
    }
    // Integers and truth values are counts, positions and masks.
    let type = graph[output].type?.elementType ?? .float32
    guard type.isFloatingPoint, !node.op.isOpaque, node.op.dotProduct == nil else { return nil }
    let read = node.inputs.compactMap { $0 }.filter { graph[$0].constant == nil }
    guard let one = read.first.map({ self[$0] }), read.allSatisfy({ self[$0] == one }) else {
      return nil
    }
    return one
  }
}
