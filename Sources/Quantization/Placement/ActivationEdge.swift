import GraphIR
import Operators

/// One reader of a value: where an activation quantizer can stand.
struct ActivationEdge: Sendable, Hashable {
  let value: ValueID
  let consumer: NodeID
  let position: Int

  /// The edges nearest to the computations that feed this one: upward through pass-through operators.
  ///
  /// A concatenation leads to one edge a branch; constants need no quantizer of their own and are left out.
  func roots(in graph: Graph) -> [ActivationEdge] {
    var roots: [ActivationEdge] = []
    var pending = [self]
    // A concatenation may repeat its inputs; without this mark a short chain of them has 2^n paths.
    var seen: Set<ActivationEdge> = [self]
    while let edge = pending.popLast() {
      guard let producer = graph.producer(of: edge.value),
        let positions = producer.movedInputs(to: edge.value),
        // Elements of a constant table are activations once they are chosen.
        positions.contains(where: { isComputed(producer.inputs[$0], in: graph) })
      else {
        if graph[edge.value].constant == nil { roots.append(edge) }
        continue
      }
      for position in positions.reversed() {
        guard let input = producer.inputs[position] else { continue }
        let above = ActivationEdge(value: input, consumer: producer.id, position: position)
        if seen.insert(above).inserted { pending.append(above) }
      }
    }
    return roots
  }

  private func isComputed(_ value: ValueID?, in graph: Graph) -> Bool {
    value.map { graph[$0].constant == nil } ?? false
  }

}
