import Execution
import GraphIR
import Operators
import TensorCore

/// Whether a graph computes on several samples at once what it computes on each alone.
package enum BatchIndependence {
  /// Compares the outputs of two samples together with those of each.
  ///
  /// Any failure means no: the caller then runs sample by sample and meets the error there.
  ///
  /// - Parameters:
  ///   - graph: what runs two samples at once.
  ///   - alone: what runs one, where that is another graph.
  ///   - inputs: the graph's inputs with the samples of a range stacked along dimension 0.
  package static func holds(
    _ graph: Graph, alone: Graph? = nil, _ inputs: (Range<Int>) throws -> [Tensor]
  ) -> Bool {
    do {
      let session = try Session(graph: graph, options: .init(isReproducible: true))
      let single =
        try alone.map { try Session(graph: $0, options: .init(isReproducible: true)) } ?? session
      let together = try outputs(session, try inputs(0..<2))
      for sample in 0..<2 {
        let alone = try outputs(single, try inputs(sample..<sample + 1))
        guard together.count == alone.count else { return false }
        for (pair, single) in zip(together, alone) {
          guard pair.shape.first == 2, let part = pair.slice(sample..<sample + 1),
            agree(part, single)
          else { return false }
        }
      }
      // Which branch is taken, or how long something is, could be another sample's choice.
      return !session.dependsOnData && !single.dependsOnData
    } catch {
      return false
    }
  }

  private static func outputs(_ session: Session, _ inputs: [Tensor]) throws -> [Tensor] {
    let graph = session.graph
    let feeds = Dictionary(uniqueKeysWithValues: zip(graph.inputs, inputs))
    let results = try session.run(feeds, fetch: graph.outputs)
    return graph.outputs.compactMap { results[$0] }
  }

  /// Whether two tensors of one shape differ by no more than rounding in another order does.
  package static func agree(_ first: Tensor, _ second: Tensor) -> Bool {
    guard first.shape == second.shape, let a = first.convertedToFloat(),
      let b = second.convertedToFloat()
    else { return false }
    let (x, y) = (a.elements(of: Float.self), b.elements(of: Float.self))
    let largest = x.lazy.map(\.magnitude).max() ?? 0
    return zip(x, y).allSatisfy { $0 == $1 || abs($0 - $1) <= 1e-4 * largest }
  }
}
