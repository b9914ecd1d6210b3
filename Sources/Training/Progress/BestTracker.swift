/// The best value of a metric so far, and its epoch; the first among equals.
package struct BestTracker: Sendable, Hashable {
  package let direction: MetricDirection
  package private(set) var best: Double?
  package private(set) var epoch: Int?

  /// - Parameters:
  ///   - best: the best value from a checkpoint, where a run resumes.
  ///   - epoch: the epoch of `best`.
  package init(_ direction: MetricDirection, best: Double? = nil, epoch: Int? = nil) {
    self.direction = direction
    self.best = best
    self.epoch = epoch
  }

  /// Takes in the value after an epoch; one that is not finite is ignored.
  ///
  /// - Returns: whether it is the best so far.
  package mutating func observe(_ value: Double, epoch: Int) -> Bool {
    guard value.isFinite, best.map({ direction.isBetter(value, than: $0) }) ?? true else {
      return false
    }
    best = value
    self.epoch = epoch
    return true
  }
}
