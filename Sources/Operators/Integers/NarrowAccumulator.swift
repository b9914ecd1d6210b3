import Synchronization

/// The register in which a dot product is summed.
public struct NarrowAccumulator: Sendable, Hashable {
  /// What happens to a sum that the register can't hold.
  public enum Overflow: String, Sendable, Hashable, CaseIterable {
    /// The sum modulo 2^P, in two's complement. It depends on no order; an overflow is a final sum outside the
    /// register's range.
    case wrap
    /// Each step clamps to the register's range, one product after the other in the order in which the file
    /// stores a channel's weights: for a convolution by input channel, then kernel row, then kernel column. An
    /// overflow is a dot product in which a step clamps.
    case saturate
    /// The exact sum, whatever the width; an overflow is a final sum outside the register's range.
    case count
  }

  /// P: the register holds -2^(P-1) to 2^(P-1) - 1.
  public let bits: Int
  public let overflow: Overflow

  /// A register, or `nil` unless `bits` is 1 to 32.
  public init?(bits: Int, overflow: Overflow) {
    guard (1...32).contains(bits) else { return nil }
    self.bits = bits
    self.overflow = overflow
  }

  var range: ClosedRange<Int64> { Int64.min >> (64 - bits)...Int64.max >> (64 - bits) }

  /// The value modulo 2^P that the register holds.
  func wrapped(_ sum: Int64) -> Int64 { (sum << (64 - bits)) >> (64 - bits) }
}

/// How many dot products of one layer overflowed, over all runs.
public final class OverflowCounter: Sendable {
  private let products = Atomic<Int>(0)
  private let final = Atomic<Int>(0)
  private let partial = Atomic<Int>(0)

  public init() {}

  /// Dot products computed.
  public var dotProducts: Int { products.load(ordering: .relaxed) }
  /// Those that overflowed, as ``NarrowAccumulator/Overflow`` defines it.
  public var overflowed: Int { final.load(ordering: .relaxed) }
  /// Those of which some partial sum lay outside the range, summed exactly in the order of `saturate`.
  public var partiallyOverflowed: Int { partial.load(ordering: .relaxed) }

  func add(dotProducts: Int, overflowed: Int, partiallyOverflowed: Int) {
    products.add(dotProducts, ordering: .relaxed)
    final.add(overflowed, ordering: .relaxed)
    partial.add(partiallyOverflowed, ordering: .relaxed)
  }
}

/// Counters are equal only to themselves, so that an operator that counts stays hashable.
extension OverflowCounter: Hashable {
  public static func == (a: OverflowCounter, b: OverflowCounter) -> Bool { a === b }
  public func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
}
