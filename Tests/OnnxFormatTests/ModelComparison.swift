import GraphIR
import TensorCore
import Testing

/// Checks that two models say the same, values and nodes in the same order.
func expectEqual(_ a: Model, _ b: Model, sourceLocation: SourceLocation = #_sourceLocation) {
  #expect(a.irVersion == b.irVersion, sourceLocation: sourceLocation)
  #expect(a.opsets == b.opsets, sourceLocation: sourceLocation)
  #expect(
    [a.producerName, a.producerVersion, a.domain, a.documentation]
      == [b.producerName, b.producerVersion, b.domain, b.documentation],
    sourceLocation: sourceLocation)
  #expect(a.modelVersion == b.modelVersion, sourceLocation: sourceLocation)
  #expect(a.metadata == b.metadata, sourceLocation: sourceLocation)
  #expect(a.preserved == b.preserved, sourceLocation: sourceLocation)
  #expect(describe(a.graph) == describe(b.graph), sourceLocation: sourceLocation)
}

/// Everything that a graph says, with constants by value.
private func describe(_ graph: Graph) -> [[AnyHashable]] {
  func name(_ id: ValueID?) -> String { id.map { graph[$0].name } ?? "" }
  let values = graph.valueIDs.map { graph[$0] }.sorted { $0.name < $1.name }.map { value in
    [
      value.name, value.type, value.constant, value.isListedInput, value.annotations,
      value.documentation, value.metadata, value.serializedType,
    ] as [AnyHashable]
  }
  let nodes = ((try? graph.topologicalOrder()) ?? []).map { graph[$0] }.map { node in
    [
      node.name, node.op.domain, node.op.type, node.op.writtenAttributes, node.inputs.map(name),
      node.outputs.map(name), node.documentation, node.overload, node.metadata,
      node.deviceConfigurations,
    ] as [AnyHashable]
  }
  let whole: [AnyHashable] = [
    graph.name, graph.documentation, graph.metadata, graph.inputs.map(name),
    graph.outputs.map(name),
  ]
  return [whole] + values + nodes
}
