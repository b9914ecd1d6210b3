import AccumulatorBounds
import Foundation
import TestSupport
import Testing

@testable import Quantizers

/// Quantizers with scales that are powers of two.
@Suite struct PowerOfTwoScaledTests {
  private func layer() throws -> WeightLayer {
    let input = try #require(IntegerRange(0, 15))
    let accumulator = try #require(AccumulatorRange(bits: 10))
    let budget = try #require(AccumulatorBudget(input: input, accumulator: accumulator))
    return WeightLayer(channels: 3, length: 40, bits: 4, budget: budget)
  }

  private func weights() -> [Float] {
    var random = SplitMix(seed: 3)
    return (0..<120).map { _ in Float.random(in: -1...1, using: &random) }
  }

  @Test func `the search finds the power of two of least error`() throws {
    let weights = weights()
    let quantizer = PowerOfTwoScaled<ExactQuantizer>(try layer())
    var (parameters, initialized) = try quantizer.initialized(weights, .projection)
    let errors = try ScaleSearch().apply(to: &parameters, of: quantizer, weights: initialized)
    let plain = ExactQuantizer(try layer())
    for channel in 0..<3 {
      let row = Array(weights[channel * 40..<(channel + 1) * 40])
      let candidates = try (-8...2).map { exponent in
        let result = try plain.quantize(
          weights,
          ChannelParameters(log2Scale: [Float](repeating: Float(exponent), count: 3), log2Norm: []))
        return zip(result.codes[channel * 40..<(channel + 1) * 40], row).reduce(0.0) {
          let difference = Double($1.0) * Foundation.exp2(Double(exponent)) - Double($1.1)
          return $0 + difference * difference
        }
      }
      let least = try #require(candidates.min())
      #expect(abs(errors[channel] - least) <= 1e-5 * least)
    }
  }

  @Test func `an activation's step is the power of two of least error`() throws {
    var histogram = ActivationHistogram()
    var random = SplitMix(seed: 4)
    let values = (0..<20_000).map { _ in
      abs((0..<12).reduce(Float(-6)) { sum, _ in sum + Float.random(in: 0..<1, using: &random) })
    }
    try values.withUnsafeBufferPointer { try histogram.observe($0) }
    let format = ActivationFormat(bits: 4, signed: false, scaleType: .powerOfTwo)
    let scale = format.scale(statistic: try histogram.leastErrorStatistic(for: format))
    func error(_ scale: Float) -> Double {
      values.reduce(0) { sum, value in
        let y = min((value / scale).rounded(.toNearestOrEven), 15) * scale
        return sum + Double((y - value) * (y - value))
      }
    }
    let best = try #require(
      (-6...2).map { Foundation.exp2(Float($0)) }.min { error($0) < error($1) })
    #expect(scale == best)
  }
}
