import GraphIR

extension Subgraph {
  /// Holds that a subgraph, which stays as it is in the file, means the same in a later opset.
  ///
  /// - Throws: ``OperatorError/unsupported(what:)`` where an operator has another form there.
  func requireSameForm(across opsets: OpsetRange) throws(OperatorError) {
    var graph = try decoded().graph
    for id in graph.nodeIDs where graph[id].op.domain.isEmpty {
      guard let op = graph[id].op as? any SerializableOperator,
        try op.raise(id, in: &graph, across: opsets) == nil
      else {
        throw .unsupported(
          what:
            "a subgraph with \(graph[id].op.type), brought from opset \(opsets.from) to \(opsets.to),"
        )
      }
    }
  }
}
