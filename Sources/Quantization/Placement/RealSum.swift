import GraphIR

/// Whether a sum stays among real numbers, so that its branches need no grid to share.
///
/// 1. Scores and a mask, which nothing reads but what makes probabilities of the sum: a grid for both would be as coarse
///    as the mask is deep.
/// 2. A residual stream that is normalised, as in transformers: its outliers would make a grid coarse for all else, and
///    the layers behind the normalisation have quantizers of their own. The normalisation is an operator, or in parts: a
///    difference of the sum and a function of it.
struct RealSum {
  let holds: Bool

  init(_ node: Node, in graph: Graph) {
    let outputs = node.outputs.compactMap { $0 }
    holds =
      Self.feedsProbabilities(outputs, graph)
      || outputs.contains { Self.isNormalized($0, graph) }
  }

  private static func feedsProbabilities(_ outputs: [ValueID], _ graph: Graph) -> Bool {
    var pending = outputs
    var seen: Set<ValueID> = []
    while let value = pending.popLast() {
      guard seen.insert(value).inserted else { continue }
      let readers = graph.consumers(of: value)
      if readers.isEmpty || graph.isOutput(value) { return false }
      for reader in readers where !graph[reader].op.givesProbabilities {
        let next = graph[reader]
        guard next.op.movement != nil || next.op.elementwise != nil, next.op.dotProduct == nil
        else { return false }
        pending += next.outputs.compactMap { $0 }
      }
    }
    return true
  }

  private static func isNormalized(_ value: ValueID, _ graph: Graph) -> Bool {
    var pending = [value]
    var seen: Set<ValueID> = []
    while let value = pending.popLast() {
      guard seen.insert(value).inserted else { continue }
      for id in graph.consumers(of: value) {
        let reader = graph[id]
        if reader.op.normalizes { return true }
        if reader.op.movement != nil {
          pending += reader.outputs.compactMap { $0 }
        } else if reader.op.elementwise == .binary,
          reader.inputs.contains(where: { isStatistic($0, of: value, graph) })
        {
          return true
        }
      }
    }
    return false
  }

  /// Whether a value is computed from another one alone, and not element by element.
  private static func isStatistic(_ value: ValueID?, of source: ValueID, _ graph: Graph) -> Bool {
    guard let value, let producer = graph.producer(of: value),
      producer.op.elementwise == nil, producer.op.movement == nil, producer.op.dotProduct == nil
    else { return false }
    return producer.inputs.compactMap { $0 }.filter { graph[$0].constant == nil } == [source]
  }
}
