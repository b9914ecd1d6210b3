import GraphIR
import Operators

/// Finds the first and the last dot-product layers of a graph.
struct Boundary {
  /// Layers that a graph input reaches without passing another dot-product layer, and layers that reach a
  /// graph output in the same way.
  let layers: Set<NodeID>

  init(_ layers: [DotProductLayer], in graph: Graph, order: [NodeID]) {
    let all = Set(layers.map(\.node))
    var boundary: Set<NodeID> = []
    var fromInput = Set(graph.inputs)
    for id in order {
      let node = graph[id]
      guard node.inputs.contains(where: { $0.map(fromInput.contains) ?? false }) else { continue }
      if all.contains(id) {
        boundary.insert(id)
      } else {
        fromInput.formUnion(node.outputs.compactMap { $0 })
      }
    }
    var toOutput = Set(graph.outputs)
    for id in order.reversed() {
      let node = graph[id]
      guard node.outputs.contains(where: { $0.map(toOutput.contains) ?? false }) else { continue }
      if all.contains(id) {
        boundary.insert(id)
      } else {
        toOutput.formUnion(node.inputs.compactMap { $0 })
      }
    }
    self.layers = boundary
  }
}
