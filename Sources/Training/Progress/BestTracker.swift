/// The best value of a metric so far and its epoch; among equals the first.
public struct BestTracker: Sendable, Hashable {
  public let direction: MetricDirection
  public private(set) var best: Double?
  public private(set) var epoch: Int?

  /// - Parameters:
  ///   - best: from a checkpoint, where a run resumes.
  ///   - epoch: of `best`.
  public init(_ direction: MetricDirection, best: Double? = nil, epoch: Int? = nil) {
    self.direction = direction
    self.best = best
    self.epoch = epoch
  }

  /// Takes the value after an epoch in; one that is not finite counts for nothing.
  ///
  /// - Returns: whether it is the best so far.
  public mutating func observe(_ value: Double, epoch: Int) -> Bool {
    guard value.isFinite, best.map({ direction.isBetter(value, than: $0) }) ?? true else {
      return false
    }
    best = value
    self.epoch = epoch
    return true
  }
}
