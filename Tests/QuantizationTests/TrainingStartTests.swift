import AccumulatorBounds
import GraphIR
import Operators
import TensorCore
import Testing

@testable import Quantization
@testable import Quantizers

/// What training by A2Q+ starts from.
@Suite struct TrainingStartTests {
  /// A layer, the constant that stands for its bias, and the value behind both.
  struct Place: Sendable, CustomTestStringConvertible {
    var sample: String
    var layer: String
    var constant: String
    var output: String
    var testDescription: String { "\(sample): \(constant)" }
  }

  @Test(arguments: [
    Place(sample: "normalized", layer: "a", constant: "a_bn.mean", output: "a_bn.out"),
    Place(sample: "dense", layer: "third", constant: "third.bias", output: "third.out"),
    Place(sample: "dense", layer: "middle", constant: "middle.bias", output: "middle_add.out"),
  ])
  func `biases make up for the mean that centring takes from a channel`(_ place: Place) throws {
    let sample = try #require(
      TrainableSample.all.first { $0.testDescription == "\(place.sample), a2q+" })
    let model = try sample.trainable()
    let x = try #require(try ConverterTests.samples(16, sample.shape).inputs(0..<16).first)
    let layer = try #require(model.plan.layers.first { $0.layer.name == place.layer }).layer
    let float = model.floatGraph
    let weight = try #require(layer.weight(in: float))
    let centred = layer.layout.scatter(
      layer.layout.gather(weight).centred(length: layer.layout.dotLength), shape: weight.shape)

    var lost = float
    lost.setConstant(try #require(float[layer.node].inputs[layer.weightPosition]), centred)
    var corrected = lost
    let start = model.start.graph
    let moved = try #require(start.value(named: place.constant))
    corrected.setConstant(
      try #require(float.value(named: place.constant)), try #require(start[moved].constant))

    let wanted = try Self.means(of: place.output, in: float, x, axis: layer.outputAxis)
    let without = try Self.means(of: place.output, in: lost, x, axis: layer.outputAxis)
    let found = try Self.means(of: place.output, in: corrected, x, axis: layer.outputAxis)
    #expect(zip(without, wanted).contains { ($0 - $1).magnitude > 0.02 }, "nothing was lost")
    #expect(zip(found, wanted).allSatisfy { ($0 - $1).magnitude < 1e-4 }, "\(found) \(wanted)")
  }

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

  private static func means(of name: String, in graph: Graph, _ x: Tensor, axis: Int) throws
    -> [Double]
  {
    let value = try #require(graph.value(named: name))
    let result = try Session(graph: graph).run([graph.inputs[0]: x], fetch: [value])
    let output = try #require(result[value])
    var statistics = ChannelStatistics(
      channels: output.shape[axis < 0 ? output.shape.count + axis : axis], axis: axis)
    output.elements(of: Float.self).withUnsafeBufferPointer {
      statistics.observe($0, shape: output.shape)
    }
    return statistics.means
  }
}
