import AccumulatorBounds
import TensorCore
import Testing

@testable import Quantization
@testable import Quantizers

/// What training by A2Q+ starts from.
@Suite struct TrainingStartTests {
  @Test func `each channel starts at the initialisation that is nearer to its centred weights`()
    throws
  {
    let inputs = try #require(IntegerRange(0, 15))
    let accumulator = try #require(AccumulatorRange(bits: 8))
    let budget = try #require(AccumulatorBudget(input: inputs, accumulator: accumulator))
    let layer = WeightLayer(channels: 8, length: 12, bits: 4, budget: budget)
    var builder = ModelBuilder()
    // Later channels have a mean of their own, and larger weights.
    var weights: [Float] = []
    for channel in 0..<8 {
      weights += builder.random(12).map { $0 * Float(channel + 1) + Float(channel) / 4 }
    }
    let quantizer = A2QPlusQuantizer(layer)
    let start = CentredStart(quantizer: quantizer, initialization: .projection)
    let centred = weights.centred(length: 12)
    func errors(_ parameters: ChannelParameters, _ weights: [Float]) throws -> [Double] {
      let result = try quantizer.quantize(weights, parameters)
      var sums = [Double](repeating: 0, count: 8)
      for (index, code) in result.codes.enumerated() {
        let rest = Double(code) * Double(result.scales[index / 12]) - Double(centred[index])
        sums[index / 12] += rest * rest
      }
      return sums
    }
    let published = try quantizer.initialized(weights, .projection)
    let other = try quantizer.initialized(centred, .projection)
    let chosen = try start.choose(weights)
    let first = try errors(published.parameters, published.weights)
    let second = try errors(other.parameters, other.weights)
    let best = zip(first, second).map { Swift.min($0, $1) }
    #expect(try errors(chosen.parameters, chosen.weights) == best, "\(first) \(second)")
    #expect(chosen.weights != published.weights && chosen.weights != other.weights)
  }
}
