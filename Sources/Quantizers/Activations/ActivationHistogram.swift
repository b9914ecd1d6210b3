import CKernels
import TensorCore

/// The distribution of activations over any number of batches, in bins of equal width whose range
/// doubles as larger values come, and the clipping ranges that follow from it.
package struct ActivationHistogram: Sendable, Hashable {
  /// Bins on each side of 0.
  static let side = 4096

  /// Bin b counts values in [b - side, b - side + 1) widths.
  private var counts = [UInt64](repeating: 0, count: 2 * side)
  /// The width of a bin, a power of two, so that doubling it merges bins exactly.
  private var width: Float = 0
  package private(set) var count = 0
  /// The greatest magnitude seen.
  package private(set) var largest: Float = 0

  package init() {}

  /// Takes one batch in; an empty one changes nothing.
  package mutating func observe(_ batch: UnsafeBufferPointer<Float>) throws(QuantizerError) {
    if batch.isEmpty { return }
    let magnitude = try batch.largestMagnitude()
    reach(magnitude)
    largest = max(largest, magnitude)
    count += batch.count
    // Without a magnitude above 0 any reciprocal does.
    let reciprocal = width > 0 ? 1 / width : 0
    let part = batch.counts(2 * Self.side) {
      snug_histogram_add($0, $1, reciprocal, Int32(Self.side), $2)
    }
    for index in part.indices { counts[index] += part[index] }
  }

  /// The clipping statistic below which the fraction f of the magnitudes lies, to within a bin.
  package func percentile(_ fraction: Double = 0.99999) throws(QuantizerError) -> Float {
    if count == 0 { throw .noActivations }
    let rank = min(max(Int((fraction * Double(count) + 0.5).rounded(.down)), 1), count)
    var seen = 0
    for bin in 0..<Self.side {
      seen += Int(counts[Self.side + bin] + counts[Self.side - 1 - bin])
      if seen >= rank { return min(Float(bin + 1) * width, largest) }
    }
    return largest
  }

  /// The clipping statistic whose step gives the least squared quantization error.
  ///
  /// The error of each bin is taken at its centre; candidates are 1/128 to 128/128 of the greatest
  /// magnitude, then the neighbourhood of the best in finer steps.
  package func leastErrorStatistic(for format: ActivationFormat) throws(QuantizerError) -> Float {
    if count == 0 { throw .noActivations }
    if largest == 0 { return 0 }
    let bins = counts.indices.filter { counts[$0] > 0 }
    let centres = bins.map { (Double($0 - Self.side) + 0.5) * Double(width) }
    let weights = bins.map { Double(counts[$0]) }
    @Sendable func error(_ statistic: Double) -> Double {
      snug_histogram_error(
        centres, weights, centres.count, statistic / Double(format.steps), Double(format.minimum),
        Double(format.maximum))
    }
    if format.scaleType == .powerOfTwo {
      let top = Int(log2(largest / format.steps).rounded(.up))
      let candidates = (top - 8...top).map { exp2(Float($0)) * format.steps }
      return candidates.min { error(Double($0)) < error(Double($1)) } ?? largest
    }
    var best = (statistic: Double(largest), error: error(Double(largest)))
    var spacing = Double(largest) / 128
    for round in 0..<3 {
      // The first round covers everything below the greatest magnitude.
      let candidates = (round == 0 ? -127...(-1) : -7...7)
        .map { best.statistic + Double($0) * spacing }
        .filter { $0 > 0 && $0 <= Double(largest) }
      for candidate in Self.evaluated(candidates, by: error) where candidate.error < best.error {
        best = candidate
      }
      spacing /= 8
    }
    return Float(best.statistic)
  }

  private static func evaluated(
    _ candidates: [Double], by error: @Sendable (Double) -> Double
  ) -> [(statistic: Double, error: Double)] {
    var evaluated = candidates.map { (statistic: $0, error: 0.0) }
    evaluated.withUnsafeMutableBufferPointer { evaluated in
      Parallelism.forEachRange(count: evaluated.count, grain: 8, sharing: evaluated) {
        range, evaluated in
        for index in range { evaluated[index].error = error(evaluated[index].statistic) }
      }
    }
    return evaluated
  }

  /// Widens the bins until a magnitude falls inside.
  private mutating func reach(_ magnitude: Float) {
    guard magnitude > 0 else { return }
    let side = Float(Self.side)
    if width == 0 {
      // Values of 0 seen before lie in the first bin at or above 0, whatever its width.
      width = max(magnitude.binade / side * 2, Float.leastNormalMagnitude)
    }
    while magnitude >= width * side {
      var merged = [UInt64](repeating: 0, count: counts.count)
      for bin in counts.indices {
        merged[(bin - Self.side) >> 1 + Self.side] += counts[bin]
      }
      counts = merged
      width *= 2
    }
  }
}
