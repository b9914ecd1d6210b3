import Testing

@testable import TensorCore

@Suite struct SplitMix64Tests {
  /// The first values of Vigna's splitmix64.c from the state 1234567.
  @Test func `the sequence is the published one`() {
    var generator = SplitMix64(seed: 1_234_567)
    #expect(
      (0..<5).map { _ in generator.next() } == [
        6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423,
        4_593_380_528_125_082_431, 16_408_922_859_458_223_821,
      ])
  }

  @Test func `streams of small seeds and counters differ from their first value on`() {
    var seen: Set<UInt64> = []
    for seed in 0..<8 as Range<UInt64> {
      var plain = SplitMix64(seed: seed)
      seen.insert(plain.next())
      for first in -2..<8 {
        for second in 0..<8 {
          var stream = SplitMix64(seed: seed, stream: first, second)
          seen.insert(stream.next())
        }
        var shorter = SplitMix64(seed: seed, stream: first)
        seen.insert(shorter.next())
      }
    }
    #expect(seen.count == 8 * (1 + 10 * 9))
  }

  @Test func `one step of a counter changes about half of the bits`() {
    var changed = 0
    for counter in 0..<256 {
      var one = SplitMix64(seed: 0, stream: 3, counter)
      var other = SplitMix64(seed: 0, stream: 3, counter + 1)
      changed += (one.next() ^ other.next()).nonzeroBitCount
    }
    #expect(abs(changed - 256 * 32) < 400)
  }
}
