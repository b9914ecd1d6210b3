import AccumulatorBounds
import Testing

@testable import Quantizers

/// What is chosen from few samples, held against others.
@Suite struct HeldOutTests {
  @Test func `no channel comes farther from its output on other samples than it began`() throws {
    var generator = SplitMix(seed: 7)
    let (length, channels) = (24, 6)
    let all = MomentSamples(40, length: length, noise: 0.1, &generator)
    var (few, other) = (all, all)
    (few.quantized, few.float) = (Array(all.quantized[..<8]), Array(all.float[..<8]))
    (other.quantized, other.float) = (Array(all.quantized[8...]), Array(all.float[8...]))
    let weights = (0..<channels * length).map { _ in generator.normal() }
    let layer = WeightLayer(
      channels: channels, length: length, bits: 4, budget: try makeBudget(0...15, bits: 14))
    let start = try OutputErrorTests.start(layer, weights)
    let quantizer = OutputErrorQuantizer(
      layer, rounding: .optq, searchesScale: true, ignoresMean: false)
    let alone = try quantizer.quantize(weights, from: start, moments: [few.moments])
    let checked = try quantizer.quantize(
      weights, from: start, moments: [few.moments], heldOut: [other.moments])
    var kept = 0
    for channel in 0..<channels {
      let row = channel * length..<(channel + 1) * length
      func error(_ candidate: QuantizedWeights) -> Double {
        let values = candidate.codes[row].map { Double($0) * Double(candidate.scales[channel]) }
        return zip(other.quantized, other.float).reduce(0) { total, sample in
          let difference = (0..<length).reduce(0.0) {
            $0 + Double(weights[channel * length + $1]) * Double(sample.1[$1])
              - values[$1] * Double(sample.0[$1])
          }
          return total + difference * difference
        }
      }
      #expect(error(checked) <= error(start) * (1 + 1e-5))
      if checked.codes[row] == start.codes[row], alone.codes[row] != start.codes[row] { kept += 1 }
    }
    #expect(kept > 0, "eight samples of 24 inputs mislead at least one channel")
  }
}
