/// The best value of a metric so far, and its epoch; the first among equals.
public struct BestTracker: Sendable, Hashable {
  public let direction: MetricDirection
  public private(set) var best: Double?
  public private(set) var epoch: Int?

  /// - Parameters:
  ///   - best: the best value from a checkpoint, where a run resumes.
  ///   - epoch: the epoch of `best`.
  public init(_ direction: MetricDirection, best: Double? = nil, epoch: Int? = nil) {
    self.direction = direction
    self.best = best
    self.epoch = epoch
  }

  /// Takes in the value after an epoch; one that is not finite is ignored.
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
