import AccumulatorBounds
import Synchronization

/// The register in which a dot product is summed, or the two in which it is where its products are cut into tiles.
///
/// A bias that counts in the accumulator is what the register starts from: the outer one where there are tiles.
public struct NarrowAccumulator: Sendable, Hashable {
  /// What happens to a sum that the register can't hold.
  public enum Overflow: String, Sendable, Hashable, CaseIterable {
    /// The sum modulo 2^P, in two's complement. It depends on no order; an overflow is a final sum outside the
    /// register's range.
    case wrap
    /// Each step clamps to the register's range, one product after the other in the order in which the file
    /// stores a channel's weights: for a convolution by input channel, then kernel row, then kernel column, the
    /// input channel last where weights are stored so. An overflow is a dot product in which a step clamps.
    case saturate
    /// The exact sum, whatever the width; an overflow is a final sum outside the register's range.
    case count
  }

  /// P: the register holds -2^(P-1) to 2^(P-1) - 1.
  package let bits: Int
  package let overflow: Overflow
  /// Sums in two stages: a tile's register is one of ``bits``, which starts at 0, and what these hold in the end is added
  /// in the outer one, tile after tile. Wrapping, clamping and counting apply to each register. `nil` for one register.
  package let tiling: Tiling?

  /// A register, or `nil` unless `bits` is 1 to 32, and the outer register has at most 64.
  package init?(bits: Int, overflow: Overflow, tiling: Tiling? = nil) {
    guard (1...32).contains(bits), tiling.map({ $0.outer != nil }) ?? true else { return nil }
    self.bits = bits
    self.overflow = overflow
    self.tiling = tiling
  }

  /// Of the register that sums products.
  var range: ClosedRange<Int64> { Self.range(bits) }

  /// Of the register that the bias is in, and that holds the result.
  var lastRange: ClosedRange<Int64> { Self.range(tiling?.outerBits ?? bits) }

  /// What the register that holds the result keeps of a sum.
  func wrapped(_ sum: Int64) -> Int64 {
    let unused = 64 - (tiling?.outerBits ?? bits)
    return (sum << unused) >> unused
  }

  private static func range(_ bits: Int) -> ClosedRange<Int64> {
    Int64.min >> (64 - bits)...Int64.max >> (64 - bits)
  }
}

/// How many dot products overflowed.
public struct OverflowCounts: Sendable, Hashable {
  /// Dot products computed.
  public var dotProducts = 0
  /// Those that overflowed, as ``NarrowAccumulator/Overflow`` defines it; in any of their registers.
  public var overflowed = 0
  /// Those of which some partial sum lay outside the range, summed exactly in the order of `saturate`.
  public var partiallyOverflowed = 0
  /// Those of which a tile's register overflowed; 0 without tiles.
  public var inTiles = 0
  /// Those of which the register that adds the tiles overflowed; 0 without tiles.
  public var inOuter = 0

  public init() {}

  public static func += (sum: inout Self, other: Self) {
    sum.dotProducts += other.dotProducts
    sum.overflowed += other.overflowed
    sum.partiallyOverflowed += other.partiallyOverflowed
    sum.inTiles += other.inTiles
    sum.inOuter += other.inOuter
  }
}

/// How many dot products of one layer overflowed, over all runs.
package final class OverflowCounter: Sendable {
  private let total = Mutex(OverflowCounts())

  package init() {}

  package var counts: OverflowCounts { total.withLock { $0 } }

  func add(_ counts: OverflowCounts) { total.withLock { $0 += counts } }
}

/// Counters are equal only to themselves, so that an operator that counts stays hashable.
extension OverflowCounter: Hashable {
  package static func == (a: OverflowCounter, b: OverflowCounter) -> Bool { a === b }
  package func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
}
