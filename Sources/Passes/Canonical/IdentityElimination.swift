import GraphIR
import Operators

/// Removes nodes that hand their input on unchanged at inference.
///
/// 1. `Identity`.
/// 2. `Dropout` whose mask nobody reads, and that nothing switches to training mode.
///
/// A graph output keeps its name. A node between a graph input and a graph output stays, since one value
/// can't be both.
package struct IdentityElimination: Pass {
  package static let name = "identity-elimination"

  package init() {}

  package func run(_ graph: inout Graph) throws(PassError) -> [Edit] {
    var edits: [Edit] = []
    for id in graph.nodeIDs {
      let node = graph[id]
      guard isIdentity(node, in: graph), case let input?? = node.inputs.first,
        case let output?? = node.outputs.first
      else { continue }
      let source = graph[input]
      if graph.isOutput(output), source.producer == nil || graph.isOutput(input) { continue }
      graph.remove(id)
      graph.replaceAllUses(of: output, with: input)
      edits.append(Edit(node: node.name, "removed: hands on '\(source.name)'"))
    }
    return edits
  }

  private func isIdentity(_ node: Node, in graph: Graph) -> Bool {
    guard node.op.isIdentity, !isTrained(node, in: graph) else { return false }
    return node.outputs.dropFirst().allSatisfy {
      $0.map { graph.consumers(of: $0).isEmpty } ?? true
    }
  }

  /// Whether a Dropout may be in training mode, which its third input says.
  private func isTrained(_ node: Node, in graph: Graph) -> Bool {
    guard node.inputs.count > 2, let training = node.inputs[2] else { return false }
    return graph[training].constant?.integers()?.contains { $0 != 0 } ?? true
  }
}
