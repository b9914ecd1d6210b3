extension Graph {
  /// The part of the graph that computes `outputs` from `inputs`, which become its own; ids and names stay the same.
  ///
  /// - Parameter inputs: values of the graph that are not constant and don't depend on each other.
  /// - Throws: ``GraphError/cycle(nodes:)`` where nodes depend on themselves.
  package func segment(from inputs: [ValueID], to outputs: [ValueID]) throws(GraphError) -> Graph {
    var part = self
    for input in inputs {
      if let producer = part[input].producer { part.remove(producer) }
    }
    part.inputs = inputs
    part.outputs = outputs
    let read = Set(outputs)
    for id in try part.topologicalOrder().reversed() {
      let isRead = part[id].outputs.contains { output in
        output.map { read.contains($0) || !part.consumers(of: $0).isEmpty } ?? false
      }
      if !isRead { part.remove(id) }
    }
    part.removeUnusedValues()
    return part
  }
}
