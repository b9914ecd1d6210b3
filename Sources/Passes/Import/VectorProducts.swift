import GraphIR
import Operators
import TensorCore

/// Writes products with a constant vector as products with a matrix of one column or row, so that they become layers like
/// others.
///
///     MatMul(x, w[K])  ->  Gather(MatMul(x, w[K, 1]), 0)        MatMul(w[K], x)  ->  Gather(MatMul(w[1, K], x), 0)
///
/// Operands whose number of dimensions isn't known, and products of two vectors, stay.
package struct VectorProducts: Pass {
  package static let name = "vector-products"
  package static let mustFollow: [any Pass.Type] = [ShapeInference.self]

  package init() {}

  package func run(_ graph: inout Graph) throws(PassError) -> [Edit] {
    var edits: [Edit] = []
    for id in graph.nodeIDs {
      let node = graph[id]
      guard node.op.dotProduct?.kind == .matMul, case let output?? = node.outputs.first,
        let position = (0..<2).first(where: { isVector(node.inputs[$0], in: graph) }),
        let vector = node.inputs[position], let weight = graph[vector].constant,
        let rank = node.inputs[1 - position].flatMap({ graph[$0].type?.dimensions?.count }),
        rank >= 2,
        let matrix = weight.reshaped(position == 0 ? [1, weight.count] : [weight.count, 1])
      else { continue }
      var inputs = node.inputs
      inputs[position] = graph.addConstant(name: graph[vector].name + "_matrix", matrix)
      graph.remove(id)
      let product = graph.addNode(
        node.op, name: node.name, inputs: inputs, output: node.name + "_products")
      let first = graph.addConstant(name: node.name + "_first", Tensor(scalar: Int64(0)))
      graph.addNode(
        Gather(axis: position == 0 ? rank - 2 : rank - 1), name: node.name + "_gather",
        inputs: [product, first], outputs: [output])
      edits.append(Edit(node: node.name, "its vector as a matrix"))
    }
    if !edits.isEmpty { graph.removeUnusedValues() }
    return edits
  }

  private func isVector(_ value: ValueID?, in graph: Graph) -> Bool {
    value.flatMap { graph[$0].constant }?.rank == 1
  }
}
