/// A subgraph of a node as the file has it, decoded when it is asked for.
public struct Subgraph: Sendable {
  /// The serialized attribute.
  public let attribute: [UInt8]
  private let decoder: any SubgraphDecoder

  public init(_ attribute: [UInt8], _ decoder: any SubgraphDecoder) {
    self.attribute = attribute
    self.decoder = decoder
  }

  /// The graph, whose last inputs are the values of the graphs around it that it reads, by their names there.
  ///
  /// - Throws: ``OperatorError/unsupported(what:)`` with what is wrong in it.
  public func decoded() throws(OperatorError) -> DecodedSubgraph {
    try decoder.decode(attribute)
  }
}

extension Subgraph: Hashable {
  public static func == (a: Subgraph, b: Subgraph) -> Bool { a.attribute == b.attribute }
  public func hash(into hasher: inout Hasher) { hasher.combine(attribute.count) }
}

/// A subgraph with its own inputs and what it reads from around it.
public struct DecodedSubgraph: Sendable {
  public var graph: Graph
  /// How many of the graph's inputs are its own; the others carry the names of captured values.
  public var inputCount: Int

  public init(graph: Graph, inputCount: Int) {
    self.graph = graph
    self.inputCount = inputCount
  }

  /// The names of the captured values, in the order of the graph's inputs.
  public var capturedNames: [String] { graph.inputs.dropFirst(inputCount).map { graph[$0].name } }
}

/// Decodes subgraphs with the opsets and functions of their model.
public protocol SubgraphDecoder: Sendable {
  /// - Throws: ``OperatorError/unsupported(what:)`` with what is wrong.
  func decode(_ attribute: [UInt8]) throws(OperatorError) -> DecodedSubgraph
}
