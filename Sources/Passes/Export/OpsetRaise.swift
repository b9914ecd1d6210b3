import GraphIR

/// Brings the standard operators of a graph to a later opset.
///
/// 1. An operator whose form is the same there: left as it is.
/// 2. One whose form changed, as `Clip` with bounds as attributes (before opset 11): written in the new form, as its own
///    file says (``SerializableOperator/raise(_:in:across:)``).
///
/// - Note: an operator that isn't in the catalogue is refused, and one that the later opset can't express.
package struct OpsetRaise: Pass {
  package static let name = "opset-raise"

  package static let mustFollow: [any Pass.Type] = [ShapeInference.self]

  package let opsets: OpsetRange

  package init(from: Int, to: Int) { opsets = OpsetRange(from: from, to: to) }

  package func run(_ graph: inout Graph) throws(PassError) -> [Edit] {
    guard opsets.from < opsets.to else { return [] }
    var edits: [Edit] = []
    for id in graph.nodeIDs where graph[id].op.domain.isEmpty {
      let node = graph[id]
      do throws(OperatorError) {
        guard let op = node.op as? any SerializableOperator else {
          throw .unsupported(what: "bringing it from opset \(opsets.from) to \(opsets.to)")
        }
        guard let change = try op.raise(id, in: &graph, across: opsets) else { continue }
        edits.append(Edit(node: node.name, change))
      } catch {
        throw .node(name: node.name, type: node.op.type, error)
      }
    }
    if !edits.isEmpty { graph.removeUnusedValues() }
    return edits
  }
}
