/// A running mean for display: the sum of (1 - b) b^age x over the values x so far, divided by the sum of the weights
/// (1 - b) b^age, so that the first values count fully (Kingma and Ba 2015, section 3).
package struct ExponentialSmoothing: Sendable, Hashable {
  /// The base b of the weights, in 0..<1; 0.98 looks back on about 50 values.
  package let kept: Double
  private var sum = 0.0
  private var weight = 0.0

  package init(kept: Double = 0.98) {
    precondition(kept >= 0 && kept < 1, "nothing would be taken in")
    self.kept = kept
  }

  /// The smoothed value; `nil` before the first finite one.
  package var value: Double? { weight > 0 ? sum / weight : nil }

  /// Takes a value in; one that is not finite is left out, since it would never fade.
  ///
  /// - Returns: the smoothed value; `nil` where there was no finite one yet.
  @discardableResult package mutating func observe(_ value: Double) -> Double? {
    if value.isFinite {
      sum = kept * sum + (1 - kept) * value
      weight = kept * weight + (1 - kept)
    }
    return self.value
  }
}
