/// A violated invariant of the graph.
public enum GraphError: Error, Sendable, Hashable {
  /// Nodes depend on themselves.
  case cycle(nodes: [String])
  /// A node reads, or the graph outputs, a value that nothing provides.
  case danglingValue(name: String, consumer: String?)
  /// A node's operator rejects its attributes or inputs.
  case node(name: String, type: String, OperatorError)
}

extension GraphError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .cycle(let nodes):
      "the graph has a cycle through \(nodes.prefix(4).map { "'\($0)'" }.joined(separator: ", "))"
    case .danglingValue(let name, let consumer?):
      "node '\(consumer)': input '\(name)' is neither computed nor given"
    case .danglingValue(let name, nil): "output '\(name)' is neither computed nor given"
    case .node(let name, let type, let error): "node '\(name)' (\(type)): \(error)"
    }
  }
}
