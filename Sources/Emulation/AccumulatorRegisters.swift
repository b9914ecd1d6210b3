import CKernels

/// The registers of dot products that are summed side by side, one or one of each stage a lane, in a type that holds
/// every partial sum.
final class AccumulatorRegisters<T: AccumulatorStorage> {
  private let accumulator: NarrowAccumulator
  private var sums = [T](repeating: 0, count: Int(SNUG_ACCUMULATOR_LANES))
  private var least = [T](repeating: 0, count: Int(SNUG_ACCUMULATOR_LANES))
  private var greatest = [T](repeating: 0, count: Int(SNUG_ACCUMULATOR_LANES))
  /// Of the tiles, `SNUG_TILE_OVERFLOWED` and the like.
  private var flags = [T](repeating: 0, count: Int(SNUG_ACCUMULATOR_LANES))
  /// Of the register that sums products.
  private let low: T
  private let high: T
  /// Of the one that holds the result.
  private let lastLow: T
  private let lastHigh: T
  /// Whether saturation has cut off what the register starts from.
  private var startIsClamped = false

  init(_ accumulator: NarrowAccumulator) {
    self.accumulator = accumulator
    low = T(clamping: accumulator.range.lowerBound)
    high = T(clamping: accumulator.range.upperBound)
    lastLow = T(clamping: accumulator.lastRange.lowerBound)
    lastHigh = T(clamping: accumulator.lastRange.upperBound)
  }

  /// Computes one dot product in each lane.
  ///
  /// - Parameters:
  ///   - x: count x lanes.
  ///   - bias: what the last register starts from.
  func add(
    _ x: UnsafePointer<Int16>, _ weights: UnsafePointer<Int16>, _ count: Int,
    startingAt bias: Int64
  ) {
    var start = T(bias)
    if accumulator.overflow == .saturate {
      let clamped = min(max(start, lastLow), lastHigh)
      startIsClamped = clamped != start
      start = clamped
    }
    switch (accumulator.tiling, accumulator.overflow) {
    case (nil, .saturate):
      T.saturating(x, weights, count, start, low, high, &sums, &least)
    case (nil, .wrap), (nil, .count):
      T.exact(x, weights, count, start, &sums, &least, &greatest)
    case (let tiling?, .saturate):
      T.tiledSaturating(
        x, weights, count, tiling.size, low, high, start, lastLow, lastHigh, &sums, &flags)
    case (let tiling?, let overflow):
      let unused = overflow == .wrap ? Int32(T.bitWidth - accumulator.bits) : 0
      T.tiledExact(
        x, weights, count, tiling.size, unused, low, high, start, lastLow, lastHigh, &sums, &flags)
    }
  }

  /// The sum that a lane's last register holds; `counts` takes what overflowed.
  func result(_ lane: Int, _ counts: inout OverflowCounts) -> Int64 {
    let sum = Int64(sums[lane])
    counts.dotProducts += 1
    let final: Bool
    var partial: Bool
    if accumulator.tiling != nil {
      let inTile = flags[lane] & T(SNUG_TILE_OVERFLOWED) != 0
      let inOuter = startIsClamped || flags[lane] & T(SNUG_OUTER_OVERFLOWED) != 0
      counts.inTiles += inTile ? 1 : 0
      counts.inOuter += inOuter ? 1 : 0
      final = inTile || inOuter
      partial = final || flags[lane] != 0
    } else if accumulator.overflow == .saturate {
      final = startIsClamped || least[lane] != 0
      partial = final
    } else {
      final = sums[lane] < low || sums[lane] > high
      partial = least[lane] < low || greatest[lane] > high
    }
    counts.overflowed += final ? 1 : 0
    counts.partiallyOverflowed += partial ? 1 : 0
    return accumulator.overflow == .wrap ? accumulator.wrapped(sum) : sum
  }
}

/// An integer type that sums are computed in, with the loops over it.
protocol AccumulatorStorage: FixedWidthInteger & SignedInteger & BitwiseCopyable {
  typealias Codes = UnsafePointer<Int16>
  typealias Lanes = UnsafeMutablePointer<Self>

  static var exact: (Codes, Codes, Int, Self, Lanes, Lanes, Lanes) -> Void { get }
  static var saturating: (Codes, Codes, Int, Self, Self, Self, Lanes, Lanes) -> Void { get }
  static var tiledExact:
    (Codes, Codes, Int, Int, Int32, Self, Self, Self, Self, Self, Lanes, Lanes) -> Void
  { get }
  static var tiledSaturating:
    (Codes, Codes, Int, Int, Self, Self, Self, Self, Self, Lanes, Lanes) -> Void
  { get }
}

extension Int32: AccumulatorStorage {
  static var exact: (Codes, Codes, Int, Self, Lanes, Lanes, Lanes) -> Void {
    snug_accumulate_exact_i32
  }
  static var saturating: (Codes, Codes, Int, Self, Self, Self, Lanes, Lanes) -> Void {
    snug_accumulate_saturating_i32
  }
  static var tiledExact:
    (Codes, Codes, Int, Int, Int32, Self, Self, Self, Self, Self, Lanes, Lanes) -> Void
  { snug_accumulate_tiled_exact_i32 }
  static var tiledSaturating:
    (Codes, Codes, Int, Int, Self, Self, Self, Self, Self, Lanes, Lanes) -> Void
  { snug_accumulate_tiled_saturating_i32 }
}

extension Int64: AccumulatorStorage {
  static var exact: (Codes, Codes, Int, Self, Lanes, Lanes, Lanes) -> Void {
    snug_accumulate_exact_i64
  }
  static var saturating: (Codes, Codes, Int, Self, Self, Self, Lanes, Lanes) -> Void {
    snug_accumulate_saturating_i64
  }
  static var tiledExact:
    (Codes, Codes, Int, Int, Int32, Self, Self, Self, Self, Self, Lanes, Lanes) -> Void
  { snug_accumulate_tiled_exact_i64 }
  static var tiledSaturating:
    (Codes, Codes, Int, Int, Self, Self, Self, Self, Self, Lanes, Lanes) -> Void
  { snug_accumulate_tiled_saturating_i64 }
}
