/// A reproducible source of random numbers.
struct SplitMix: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// Uniform in 0..<1.
  mutating func uniform() -> Float { Float(next() >> 40) * 0x1p-24 }

  /// About normal, with mean 0 and variance 1: a scaled sum of uniform numbers.
  mutating func normal() -> Float {
    (uniform() + uniform() + uniform() + uniform() - 2) * 1.732_050_8
  }
}
