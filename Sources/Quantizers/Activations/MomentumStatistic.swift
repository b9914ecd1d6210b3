/// The clipping statistic of batches as Brevitas collects it: the first batch's percentile, then
/// buffer (1 - m) + m percentile after each further one, with m = 0.1 unless given.
package struct MomentumStatistic: Sendable, Hashable {
  package var percentile = MagnitudePercentile()
  package var momentum: Float = 0.1
  /// The statistic so far, or `nil` before the first batch.
  package private(set) var value: Float?

  package init() {}

  /// Takes one batch in.
  ///
  /// - Returns: the batch's own statistic.
  @discardableResult package mutating func observe(_ batch: UnsafeBufferPointer<Float>)
    throws(QuantizerError) -> Float
  {
    let statistic = try percentile(batch)
    value = value.map { $0 * (1 - momentum) + momentum * statistic } ?? statistic
    return statistic
  }
}
