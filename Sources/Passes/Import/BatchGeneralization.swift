import GraphIR
import Operators
import TensorCore

/// Lets a graph that was exported for a batch of one run with any batch.
///
/// 1. Every graph input whose first dimension is fixed at 1 gets a symbolic one.
/// 2. `Reshape` to a constant shape that begins with 1, of a value that carries the batch, copies the
///    batch dimension instead (a 0 in the shape; opset 5 and later).
/// 3. Types inferred before are dropped, so that shape inference can run again.
///
/// Node and value ids stay, so the rewritten copy of a graph serves to observe values of the original.
/// Whether samples really are independent can't be told from shapes alone; the caller compares a batch of
/// two with two batches of one.
package struct BatchGeneralization: Pass {
  package static let name = "batch-generalization"
  package static let mustFollow: [any Pass.Type] = [ShapeInference.self]
  static let batch = Dimension.symbolic("batch")

  package init() {}

  package func run(_ graph: inout Graph) throws(PassError) -> [Edit] {
    var edits: [Edit] = []
    // Case 1
    for input in graph.inputs {
      guard var type = graph[input].type, type.dimensions?.first == .fixed(1) else { continue }
      type.dimensions?[0] = Self.batch
      graph[input].type = type
      edits.append(Edit(node: graph[input].name, "batch made symbolic"))
    }
    if edits.isEmpty { return [] }
    // Case 3
    for id in graph.valueIDs where graph[id].producer != nil { graph[id].type = nil }
    let order: [NodeID]
    do { order = try graph.topologicalOrder() } catch { throw .graph(error) }
    for id in order {
      // Case 2
      if let edit = reshapeKeepingBatch(id, in: &graph) { edits.append(edit) }
      try inferTypes(of: id, in: &graph)
    }
    return edits
  }

  private func reshapeKeepingBatch(_ id: NodeID, in graph: inout Graph) -> Edit? {
    let node = graph[id]
    guard let reshape = node.op as? Reshape, !reshape.allowZero, node.inputs.count == 2,
      let data = node.inputs[0], let shape = node.inputs[1],
      graph[data].type?.dimensions?.first == Self.batch,
      var target = graph[shape].constant?.integers(), target.first == 1
    else { return nil }
    target[0] = 0
    let constant = graph.addConstant(
      name: graph[shape].name, Tensor(target.map { Int64($0) }, shape: [target.count]))
    graph.setInput(id, 1, to: constant)
    return Edit(node: node.name, "reshape keeps the batch dimension")
  }

  private func inferTypes(of id: NodeID, in graph: inout Graph) throws(PassError) {
    let node = graph[id]
    let inputs = node.inputs.map { input in
      input.map { InputInfo(type: graph[$0].type, constant: graph[$0].constant) }
    }
    do {
      for (output, type) in zip(node.outputs, try node.op.infer(inputs)) {
        if let output { graph[output].type = type }
      }
    } catch {
      throw .node(name: node.name, type: node.op.type, error)
    }
  }
}
