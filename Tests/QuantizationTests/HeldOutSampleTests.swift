import GraphIR
import Operators
import TensorCore
import Testing

@testable import Quantization

/// Integers that are chosen by the outputs on few samples.
@Suite struct HeldOutSampleTests {
  private static let (positions, inputs, outputs) = (32, 64, 8)

  /// x -> product, for one sample at a time.
  private static func graph() -> Graph {
    var builder = ModelBuilder()
    let x = builder.input([1, .fixed(positions), .fixed(inputs)])
    let product = builder.linear(x, "layer", from: inputs, to: outputs)
    let shape = builder.graph.addConstant(
      name: "one", Tensor([Int64(1), Int64(positions * outputs)], shape: [2]))
    builder.graph.addOutput(
      builder.graph.addNode(Reshape(), name: "reshape", inputs: [product, shape], output: "y"))
    return builder.graph
  }

  /// Samples whose positions all hold the same numbers.
  private static func samples(_ count: Int) throws -> InMemoryCalibration {
    var builder = ModelBuilder()
    let values = (0..<count).flatMap { _ -> [Float] in
      let row = builder.random(inputs)
      return (0..<positions).flatMap { _ in row }
    }
    return try #require(
      InMemoryCalibration([Tensor(values, shape: [count, positions, inputs])]))
  }

  /// The squared error of the layer's weights, which is that of its outputs on inputs it hasn't seen.
  private static func error(_ configure: (inout Recipe) -> Void) throws -> Double {
    var recipe = Recipe()
    recipe.weightBits = 4
    recipe.activationBits = 8
    recipe.accumulatorBits = 24
    recipe.ioLayers = .none
    configure(&recipe)
    let result = try Converter(recipe).convert(
      ConverterTests.model(graph()), calibration: try samples(8))
    return try #require(result.layers.first).relativeError
  }

  @Test func `positions of one sample don't confirm what was chosen by others of it`() throws {
    let plain = try Self.error {
      $0.scaleSearch = .weights
      $0.rounding = .nearest
    }
    #expect(try Self.error { _ in } < 1.6 * plain)
  }
}
