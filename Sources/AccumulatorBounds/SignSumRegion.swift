/// The sign sums (S+, S-) whose worst case fits one accumulator of P bits, exactly:
///
///     a S+ + b S- <= above        a S- + b S+ <= below
///
/// with a = max(xmax, 0) and b = max(-xmin, 0) for inputs in xmin...xmax, above = 2^(P-1) - 1 - max(bias, 0), below =
/// 2^(P-1) + min(bias, 0), and, where given, a separate limit for each sign. For unsigned inputs (b = 0) that is one
/// budget for each sign: S+ <= floor(above / a), S- <= floor(below / a).
///
/// The bias is one more summand: the accumulator may start from it, or add it at any later time.
package struct SignSumRegion: Sendable, Hashable {
  /// The amount a that a unit of S+ adds to the greatest value, at most 2^63.
  package let along: Int128
  /// The amount b that a unit of S- adds to the greatest value, at most 2^63.
  package let against: Int128
  /// The most that the products may raise the sum by; negative where the bias alone overflows.
  package let above: Int128
  /// The most that the products may lower the sum by; negative where the bias alone overflows.
  package let below: Int128
  package let positiveLimit: Int64
  package let negativeLimit: Int64

  /// - Parameters:
  ///   - input: the range of what is multiplied with a weight, less the zero point.
  ///   - bias: the bias, which is added first or between the products.
  ///   - positiveLimit: the greatest S+, whatever the accumulator would allow; at least 0.
  ///   - negativeLimit: the greatest S-, whatever the accumulator would allow; at least 0.
  package init(
    input: IntegerRange, accumulator: AccumulatorRange, bias: Int64 = 0,
    positiveLimit: Int64 = .max, negativeLimit: Int64 = .max
  ) {
    (along, against) = input.magnitudes
    above = Int128(accumulator.maximum) - Int128(max(bias, 0))
    below = Int128(min(bias, 0)) - Int128(accumulator.minimum)
    self.positiveLimit = max(positiveLimit, 0)
    self.negativeLimit = max(negativeLimit, 0)
  }

  /// Limits that are the same on both sides of zero: along S+ + against S- and along S- + against S+ up to `limit`.
  init(
    along: Int128, against: Int128, limit: Int128, positiveLimit: Int64, negativeLimit: Int64
  ) {
    (self.along, self.against) = (along, against)
    (above, below) = (limit, limit)
    self.positiveLimit = positiveLimit
    self.negativeLimit = negativeLimit
  }

  private init(
    _ region: SignSumRegion, above: Int128, below: Int128, positiveLimit: Int64,
    negativeLimit: Int64
  ) {
    (along, against) = (region.along, region.against)
    self.above = above
    self.below = below
    self.positiveLimit = positiveLimit
    self.negativeLimit = negativeLimit
  }

  /// The sign sums that fit for further weights, beside those with the sums `sums`.
  ///
  /// - Precondition: the region contains `sums`.
  package func remaining(after sums: SignSums) -> SignSumRegion {
    precondition(contains(sums), "the sums lie outside the region")
    let (positive, negative) = (Int128(sums.positive), Int128(sums.negative))
    return SignSumRegion(
      self, above: above - along * positive - against * negative,
      below: below - along * negative - against * positive,
      positiveLimit: positiveLimit - sums.positive, negativeLimit: negativeLimit - sums.negative)
  }

  /// Whether any weights fit; not even zeros do where the bias leaves the range by itself.
  package var isFeasible: Bool { above >= 0 && below >= 0 }

  package func contains(_ sums: SignSums) -> Bool {
    let (positive, negative) = (Int128(sums.positive), Int128(sums.negative))
    return sums.positive <= positiveLimit && sums.negative <= negativeLimit
      && along * positive + against * negative <= above
      && along * negative + against * positive <= below
  }

  /// The greatest magnitude of weights of which any `count` fit, whatever their signs.
  package func largestMagnitude(of count: Int) -> Int {
    let unit = max(along, against) * Int128(max(count, 1))
    guard unit > 0 else { return .max }
    return Int(clamping: max(min(above, below), 0) / unit)
  }

  /// The greatest S+ that fits beside `negative`; `nil` where none does.
  package func largestPositive(besideNegative negative: Int64) -> Int64? {
    guard negative >= 0, negative <= negativeLimit else { return nil }
    return largest(
      limit: positiveLimit, rooms: (above - against * Int128(negative), along),
      (below - along * Int128(negative), against))
  }

  /// The greatest S- that fits beside `positive`; `nil` where none does.
  package func largestNegative(besidePositive positive: Int64) -> Int64? {
    guard positive >= 0, positive <= positiveLimit else { return nil }
    return largest(
      limit: negativeLimit, rooms: (above - along * Int128(positive), against),
      (below - against * Int128(positive), along))
  }

  private func largest(
    limit: Int64, rooms first: (room: Int128, unit: Int128), _ second: (room: Int128, unit: Int128)
  ) -> Int64? {
    var largest = Int128(limit)
    for (room, unit) in [first, second] {
      if room < 0 { return nil }
      if unit > 0 { largest = min(largest, room / unit) }
    }
    return Int64(largest)
  }
}
