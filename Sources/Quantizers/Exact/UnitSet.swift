import CKernels

/// The weights of one sign of a channel as units: weight i of magnitude v (in steps) offers units
/// j = 1, 2, ... up to its cap, whose gains v - j + 1/2 fall; a gain is half of what the unit takes
/// off the squared error.
///
/// Taking the units of largest gain, however many, is optimal for their number: gains fall within
/// each weight, so the largest ones can be taken together.
struct UnitSet {
  let magnitudes: UnsafeMutablePointer<Float>
  let caps: UnsafeMutablePointer<Float>
  let indices: UnsafeMutablePointer<Int32>
  /// Weights that are worth a unit.
  let count: Int
  /// All units with a positive gain.
  let units: Int64

  /// The number of units whose gain exceeds `threshold`; all of them for a threshold below 0.
  func count(above threshold: Double) -> Int64 {
    snug_units_count(magnitudes, caps, count, max(Float(threshold), 0))
  }

  /// No gain reaches this.
  var largestMagnitude: Float {
    UnsafeBufferPointer(start: magnitudes, count: count).max() ?? 0
  }

  /// The gains in low < gain <= high, in descending order.
  func gains(above low: Double, upTo high: Double) -> [Float] {
    let (low, high) = (max(Float(low), 0), max(Float(high), 0))
    let size = snug_units_gains(magnitudes, caps, count, low, high, nil, 0)
    return [Float](unsafeUninitializedCapacity: size) { buffer, initialized in
      initialized = snug_units_gains(
        magnitudes, caps, count, low, high, buffer.baseAddress, size)
    }.sorted(by: >)
  }

  /// A threshold between the gains of the best `budget` units and the largest other one; 0 where there are no more.
  func threshold(budget: Int64, scratch: UnsafeMutablePointer<Float>) -> Float {
    units <= budget ? 0 : snug_units_project(magnitudes, caps, count, budget, scratch)
  }

  /// Writes the `budget` units of largest gain into `codes`.
  func project(
    budget: Int64, isNegative: Bool, scratch: UnsafeMutablePointer<Float>,
    into codes: UnsafeMutableBufferPointer<Int8>
  ) {
    _ = snug_units_project(magnitudes, caps, count, budget, scratch)
    snug_units_scatter(scratch, indices, count, isNegative ? 1 : 0, codes.baseAddress)
  }
}
