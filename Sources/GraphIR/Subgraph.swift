/// A subgraph of a node as it is in the file, decoded on demand.
package struct Subgraph: Sendable {
  /// The serialized attribute.
  package let attribute: [UInt8]
  private let decoder: any SubgraphDecoder

  package init(_ attribute: [UInt8], _ decoder: any SubgraphDecoder) {
    self.attribute = attribute
    self.decoder = decoder
  }

  /// Decodes the graph, whose last inputs are the values that it reads from the graphs around it, with their names
  /// there.
  ///
  /// - Throws: ``OperatorError/unsupported(what:)``, which says what is wrong in the subgraph.
  package func decoded() throws(OperatorError) -> DecodedSubgraph {
    try decoder.decode(attribute)
  }
}

extension Subgraph: Hashable {
  package static func == (a: Subgraph, b: Subgraph) -> Bool { a.attribute == b.attribute }
  package func hash(into hasher: inout Hasher) { hasher.combine(attribute.count) }
}

/// A subgraph with its own inputs and the values that it reads from the graphs around it.
package struct DecodedSubgraph: Sendable {
  package var graph: Graph
  /// The number of the graph's inputs that are its own; the others have the names of captured values.
  package var inputCount: Int

  package init(graph: Graph, inputCount: Int) {
    self.graph = graph
    self.inputCount = inputCount
  }

  /// The names of the captured values, in the order of the graph's inputs.
  package var capturedNames: [String] { graph.inputs.dropFirst(inputCount).map { graph[$0].name } }
}

/// A decoder of subgraphs that knows the opsets and functions of their model.
package protocol SubgraphDecoder: Sendable {
  /// Decodes the subgraph in a serialized attribute.
  ///
  /// - Throws: ``OperatorError/unsupported(what:)``, which says what is wrong in the subgraph.
  func decode(_ attribute: [UInt8]) throws(OperatorError) -> DecodedSubgraph
}
