extension Graph {
  /// A readable listing with one node in a line, in topological order; for tests and `--verbose`.
  package func dump() -> String {
    var lines = ["graph \(name)("]
    lines += inputs.map { "  \(describe($0))" }
    lines.append(") -> (\(outputs.map { self[$0].name }.joined(separator: ", ")))")
    for id in (try? topologicalOrder()) ?? nodeIDs {
      let node = self[id]
      let inputs = node.inputs.map { $0.map { self[$0].name } ?? "-" }.joined(separator: ", ")
      let outputs = node.outputs.map { $0.map(describe) ?? "-" }.joined(separator: ", ")
      let domain = node.op.domain.isEmpty ? "" : "\(node.op.domain)."
      lines.append("  \(outputs) = \(domain)\(node.op.type)(\(inputs))  # \(node.name)")
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private func describe(_ id: ValueID) -> String {
    self[id].name + (self[id].type.map { ": \($0)" } ?? "")
  }
}
