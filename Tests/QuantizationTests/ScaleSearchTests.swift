import AccumulatorBounds
import Quantizers
import Testing

@testable import Quantization

@Suite struct ScaleSearchTests {
  @Test(arguments: [8, 10, 12, 16], [false, true])
  func `the search keeps the budget and never loses to the scale of the largest weight`(
    bits: Int, signed: Bool
  ) throws {
    var builder = ModelBuilder()
    let weights = builder.random(6 * 50)
    let input = try #require(IntegerRange(bits: 4, signed: signed))
    let accumulator = try #require(AccumulatorRange(bits: bits))
    let budget = try #require(AccumulatorBudget(input: input, accumulator: accumulator))
    let layer = WeightLayer(channels: 6, length: 50, bits: 4, budget: budget)
    let quantizer = ExactQuantizer(layer)
    let found = try ScaleSearch(quantizer: quantizer).run(weights, .projection)
    let initialized = try quantizer.initialized(weights, .projection)
    let plain = try quantizer.quantize(initialized.weights, initialized.parameters)
    for channel in 0..<6 {
      let row = channel * 50..<(channel + 1) * 50
      #expect(budget.check(found.codes[row]))
      func error(_ quantized: QuantizedWeights) -> Float {
        row.reduce(0) { sum, index in
          let rest = Float(quantized.codes[index]) * quantized.scales[channel] - weights[index]
          return sum + rest * rest
        }
      }
      #expect(error(found) <= error(plain))
    }
  }
}
