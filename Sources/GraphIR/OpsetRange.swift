/// The opset in which a graph's nodes are written, and the later one that they are brought to.
package struct OpsetRange: Sendable, Hashable {
  package let from: Int
  package let to: Int

  package init(from: Int, to: Int) {
    self.from = from
    self.to = to
  }

  /// Whether a form that came with a version is new to the nodes.
  package func crosses(_ version: Int) -> Bool { from < version && version <= to }
}
