import Testing

@testable import Quantizers

@Suite struct ScaleSearchTests {
  @Test(arguments: WeightQuantizers.all.map { $0.methodName })
  func `the error falls, is the reported one, and the budget holds`(name: String) throws {
    var generator = SplitMix(seed: 47)
    let weights = (0..<6 * 90).map { _ in generator.normal() }
    let importance = (0..<90).map { _ in generator.uniform() }
    let layer = WeightLayer(
      channels: 6, length: 90, bits: 4, budget: try makeBudget(0...15, bits: 10))
    let quantizer = try #require(WeightQuantizers.named(name)).init(layer)
    var (parameters, initial) = try quantizer.initialized(weights, .clamp)
    func errors() throws -> [Double] {
      let result = try quantizer.quantize(initial, parameters)
      #expect(layer.fits(result.codes) || !quantizer.isConstrained)
      return (0..<6).map { channel in
        (0..<90).reduce(0) { sum, position in
          let index = channel * 90 + position
          let value = Float(result.codes[index]) * result.scales[channel]
          let difference = Double(value) - Double(weights[index])
          return sum + Double(importance[position]) * difference * difference
        }
      }
    }
    let before = try errors()
    let reported = try ScaleSearch().apply(
      to: &parameters, of: quantizer, weights: initial, importance: importance)
    let after = try errors()
    for channel in 0..<6 {
      #expect(after[channel] <= before[channel])
      #expect(abs(after[channel] - reported[channel]) <= 1e-9 * reported[channel])
    }
    #expect(after.reduce(0, +) < before.reduce(0, +))
  }

  @Test func `a zero channel keeps its scale`() throws {
    let layer = WeightLayer(
      channels: 1, length: 3, bits: 4, budget: try makeBudget(0...15, bits: 10))
    let quantizer = ExactQuantizer(layer)
    var parameters = try quantizer.initialized([0, 0, 0], .clamp).parameters
    let before = parameters
    #expect(try ScaleSearch().apply(to: &parameters, of: quantizer, weights: [0, 0, 0]) == [0])
    #expect(parameters == before)
  }

  @Test func `a narrow accumulator wants a larger scale than the largest weight sets`() throws {
    var generator = SplitMix(seed: 53)
    let weights = (0..<288).map { _ in generator.normal() }
    let layer = WeightLayer(
      channels: 1, length: 288, bits: 8, budget: try makeBudget(0...255, bits: 18))
    let quantizer = ExactQuantizer(layer)
    var parameters = try quantizer.initialized(weights, .clamp).parameters
    let start = parameters.log2Scale[0]
    try ScaleSearch().apply(to: &parameters, of: quantizer, weights: weights)
    #expect(parameters.log2Scale[0] > start + 1)
  }
}
