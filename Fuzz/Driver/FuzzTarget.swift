/// One reader of untrusted bytes, as the fuzzer calls it.
package struct FuzzTarget: Sendable {
  package var name: String
  /// Changes an input while it keeps what the reader checks first; `nil` for the fuzzer's own changes.
  package var mutator: (any FuzzMutator)?
  /// Reads an input. Whatever it holds, this must return: a typed error is caught, anything else is a finding.
  package var read: @Sendable ([UInt8]) -> Void

  package init(
    _ name: String, mutator: (any FuzzMutator)? = nil, read: @escaping @Sendable ([UInt8]) -> Void
  ) {
    self.name = name
    self.mutator = mutator
    self.read = read
  }
}

/// Knows the structure of a format, so that changed inputs get past its outermost checks.
package protocol FuzzMutator: Sendable {
  /// A changed input of at most `limit` bytes; one that is longer is thrown away.
  func mutate(_ input: [UInt8], limit: Int, random: inout FuzzRandom) -> [UInt8]
}

/// Random numbers that follow from the fuzzer's seed alone (SplitMix64).
package struct FuzzRandom: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  package mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }

  /// A number below `bound`, which is at least 1.
  package mutating func below(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &self) }

  package mutating func oneIn(_ count: Int) -> Bool { below(count) == 0 }
}
