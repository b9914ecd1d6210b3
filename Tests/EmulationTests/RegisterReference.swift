@testable import Emulation

/// Registers of limited width, product by product, as their definition has it.
enum RegisterReference {
  /// What a register of so many bits holds after all addends, and whether it left its range at the end and on the way.
  static func register(
    _ start: Int, _ addends: [Int], bits: Int, _ overflow: NarrowAccumulator.Overflow
  ) -> (held: Int, overflowed: Bool, partial: Bool) {
    let (low, high) = (-(1 << (bits - 1)), 1 << (bits - 1) - 1)
    var exact = start
    var clamped = min(max(start, low), high)
    var didClamp = clamped != start
    var partial = exact < low || exact > high
    for addend in addends {
      exact += addend
      partial = partial || exact < low || exact > high
      clamped += addend
      if clamped < low || clamped > high { didClamp = true }
      clamped = min(max(clamped, low), high)
    }
    let isOutside = exact < low || exact > high
    switch overflow {
    case .count: return (exact, isOutside, partial)
    case .saturate: return (clamped, didClamp, didClamp)
    case .wrap:
      let modulus = 1 << bits
      let rest = ((exact - low) % modulus + modulus) % modulus
      return (rest + low, isOutside, partial)
    }
  }

  /// The last register's value after a dot product, and what the product adds to the counts.
  ///
  /// - Parameter products: each with its place in the channel.
  static func expected(
    _ products: [(place: Int, value: Int)], bias: Int, _ accumulator: NarrowAccumulator
  ) -> (value: Int, counts: OverflowCounts) {
    var counts = OverflowCounts()
    counts.dotProducts = 1
    let ordered = products.sorted { $0.place < $1.place }
    guard let tiles = accumulator.tiling else {
      let sum = register(
        bias, ordered.map(\.value), bits: accumulator.bits, accumulator.overflow)
      counts.overflowed = sum.overflowed ? 1 : 0
      counts.partiallyOverflowed = sum.partial ? 1 : 0
      return (sum.held, counts)
    }
    let inner = Dictionary(grouping: ordered) { $0.place / tiles.size }.sorted { $0.key < $1.key }
      .map { register(0, $0.value.map(\.value), bits: accumulator.bits, accumulator.overflow) }
    let outer = register(
      bias, inner.map(\.held), bits: tiles.outerBits, accumulator.overflow)
    let inTiles = inner.contains(where: \.overflowed)
    counts.inTiles = inTiles ? 1 : 0
    counts.inOuter = outer.overflowed ? 1 : 0
    counts.overflowed = inTiles || outer.overflowed ? 1 : 0
    let isPartial = outer.partial || inner.contains(where: \.partial)
    counts.partiallyOverflowed = isPartial ? 1 : 0
    return (outer.held, counts)
  }
}
