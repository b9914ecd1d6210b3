import GraphIR

/// Removes what no graph output depends on.
///
/// 1. A node none of whose outputs is read or is a graph output.
/// 2. A constant that nothing reads.
package struct DeadNodeElimination: Pass {
  package static let name = "dead-node-elimination"

  package init() {}

  package func run(_ graph: inout Graph) throws(PassError) -> [Edit] {
    let order: [NodeID]
    do { order = try graph.topologicalOrder() } catch { throw .graph(error) }
    let outputs = Set(graph.outputs)
    var edits: [Edit] = []
    for id in order.reversed() {
      let node = graph[id]
      // Case 1
      let isUsed = node.outputs.contains { output in
        guard let output else { return false }
        return outputs.contains(output) || !graph.consumers(of: output).isEmpty
      }
      if isUsed { continue }
      edits.append(Edit(node: node.name, "removed: nothing reads it"))
      graph.remove(id)
    }
    // Case 2
    graph.removeUnusedValues()
    return edits
  }
}
