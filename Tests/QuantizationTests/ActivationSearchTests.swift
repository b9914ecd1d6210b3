import GraphIR
import OnnxFormat
import Operators
import Quantizers
import TensorCore
import TestSupport
import Testing
import Verification

@testable import Quantization

@Suite struct ActivationSearchTests {
  private func convert(
    _ graph: Graph, _ shape: [Int], _ configure: @escaping (inout Recipe) -> Void
  ) throws -> Conversion {
    let recipe = ConverterTests.recipe {
      $0.activationWidth = .searched
      configure(&$0)
    }
    return try Converter(recipe).convert(
      ConverterTests.model(graph), calibration: try ConverterTests.samples(32, shape))
  }

  @Test(arguments: [7, 8, 9])
  func `narrower activations are taken where budgets bind, and the integers keep to theirs`(
    bits: Int
  ) throws {
    let result = try convert(ModelBuilder.residual(), [4, 6, 6]) { $0.accumulatorBits = bits }
    let hidden = result.layers.filter { ["a", "b"].contains($0.name) }
    #expect(hidden.allSatisfy { (2...4).contains($0.inputBits) })
    #expect(hidden.contains { $0.inputBits < 4 })
    for layer in hidden {
      let most = 1 << layer.inputBits - 1
      for row in try ConverterTests.integers(layer.name, in: result.model.graph) {
        #expect(most * row.filter { $0 > 0 }.reduce(0, +) <= 1 << (bits - 1) - 1)
        #expect(-most * row.filter { $0 < 0 }.reduce(0, +) <= 1 << (bits - 1))
      }
    }
    let folder = try TemporaryFolder()
    let path = folder.path("narrow.onnx")
    try OnnxWriter.write(result.model, to: path)
    let verdict = try Verifier.verify(try OnnxReader.read(path: path, resolver: OpaqueResolver()))
    #expect(verdict.isCertified, "\(verdict.layers.flatMap(\.findings)) \(verdict.findings)")
  }

  @Test func `widths stay where no budget binds`() throws {
    let result = try convert(ModelBuilder.residual(), [4, 6, 6]) { $0.accumulatorBits = 24 }
    #expect(result.layers.map(\.inputBits) == [8, 4, 4, 8])
  }

  @Test func `both branches of an addition take the same narrower width`() throws {
    let result = try convert(ModelBuilder.residual(), [4, 6, 6]) { $0.accumulatorBits = 7 }
    let graph = result.model.graph
    let sum = try #require(graph.node(named: "sum"))
    let quantizers = graph[sum].inputs.compactMap { $0.flatMap { graph.producer(of: $0) } }
    #expect(quantizers.count == 2 && quantizers[0].inputs[1...] == quantizers[1].inputs[1...])
  }

  @Test func `a channel that no weight reads does not stretch the range`() throws {
    var builder = ModelBuilder()
    let x = builder.input([.symbolic("n"), 4])
    let stem = builder.relu(builder.linear(x, "stem", from: 4, to: 4), "r1")
    let middle = builder.relu(builder.linear(stem, "middle", from: 4, to: 4), "r2")
    builder.graph.addOutput(builder.linear(middle, "last", from: 4, to: 2))
    func change(_ name: String, _ body: (inout [Float]) -> Void) throws {
      let value = try #require(builder.graph.value(named: name))
      let tensor = try #require(builder.graph[value].constant)
      var values = tensor.elements(of: Float.self)
      body(&values)
      builder.graph.setConstant(value, Tensor(values, shape: tensor.shape))
    }
    // Channel 3 is large, and the layer behind it does not read it.
    try change("stem.weight") { values in for row in 0..<4 { values[4 * row + 3] *= 40 } }
    try change("middle.weight") { values in for column in 0..<4 { values[12 + column] = 0 } }
    func scale(_ range: Recipe.RangeEstimator) throws -> Float {
      let recipe = ConverterTests.recipe {
        $0.rangeEstimator = range
        $0.equalization = false
      }
      let graph = try Converter(recipe).convert(
        ConverterTests.model(builder.graph), calibration: try ConverterTests.samples(64, [4])
      ).model.graph
      let value = try #require(graph.value(named: "r1.out_scale"))
      return try #require(graph[value].constant).elements(of: Float.self)[0]
    }
    #expect(try scale(.output) < scale(.percentile))
    #expect(try scale(.output) <= scale(.mse))
  }

  @Test func `the error that is left is that of the corrected output`() {
    let wanted: [Float] = [1, 2, 3, 4]
    func error(_ found: [Float], _ correction: ChannelAgreement.Correction) -> Double {
      var agreement = ChannelAgreement(channels: 1, axis: 1)
      wanted.withUnsafeBufferPointer { wanted in
        found.withUnsafeBufferPointer {
          agreement.observe(wanted: wanted, found: $0, shape: [4, 1])
        }
      }
      return agreement.relativeError(after: correction)
    }
    let shifted = wanted.map { 2 * $0 + 3 }
    #expect(abs(error(shifted, .meanAndVariance)) < 1e-12)
    // Deviations of twice the size leave the variance itself; the mean of 8 is 5.5 too large.
    #expect(abs(error(shifted, .mean) - 1) < 1e-12)
    #expect(abs(error(shifted, .none) - (1 + 5.5 * 5.5 / 1.25)) < 1e-12)
    #expect(error([7, 7, 7, 7], .meanAndVariance) == 1)
  }
}
