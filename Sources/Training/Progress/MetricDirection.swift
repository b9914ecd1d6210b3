/// Which of two values of a metric is better.
package enum MetricDirection: Sendable, Hashable {
  /// Higher values are better, as for accuracy and peak signal-to-noise ratio.
  case higherIsBetter
  /// Lower values are better, as for losses and errors.
  case lowerIsBetter

  /// Whether `value` is better than `other` by more than `margin`; NaN never is.
  func isBetter(_ value: Double, than other: Double, margin: Double = 0) -> Bool {
    switch self {
    case .higherIsBetter: value > other + margin
    case .lowerIsBetter: value < other - margin
    }
  }
}
