/// The opset in which a graph's nodes are written, and the later one that they are brought to.
public struct OpsetRange: Sendable, Hashable {
  public let from: Int
  public let to: Int

  public init(from: Int, to: Int) {
    self.from = from
    self.to = to
  }

  /// Whether a form that came with a version is new to the nodes.
  public func crosses(_ version: Int) -> Bool { from < version && version <= to }
}
