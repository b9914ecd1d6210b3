/// A small random number generator with a reproducible sequence (SplitMix64, Steele, Lea and Flood 2014).
package struct SplitMix64: RandomNumberGenerator, Sendable {
  private var state: UInt64

  package init(seed: UInt64) { state = seed }

  /// A separate stream for each seed and list of counters, such as an epoch and a sample.
  ///
  /// Seeds and counters may be small and consecutive: each is mixed in turn, so that their order matters and lists
  /// with equal sums have unrelated streams.
  package init(seed: UInt64, stream counters: Int...) {
    var state = Self.mix(seed &+ Self.increment)
    for counter in counters {
      state = Self.mix((state ^ UInt64(bitPattern: Int64(counter))) &+ Self.increment)
    }
    self.state = state
  }

  package mutating func next() -> UInt64 {
    state &+= Self.increment
    return Self.mix(state)
  }

  private static let increment: UInt64 = 0x9E37_79B9_7F4A_7C15

  /// A bijection of 64 bits in which each bit of the argument changes about half of the result's.
  private static func mix(_ value: UInt64) -> UInt64 {
    var z = value
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
