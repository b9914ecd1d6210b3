import OnnxFormat
import TensorCore
import TestSupport
import Testing

@testable import Quantization

@Suite struct ConversionSeriesTests {
  private static func graph() -> ModelBuilder {
    var builder = ModelBuilder()
    let x = builder.input([.symbolic("n"), 3, 8, 8])
    let stem = builder.relu(builder.convolution(x, "stem", from: 3, to: 6), "r0")
    let a = builder.relu(builder.convolution(stem, "a", from: 6, to: 6), "r1")
    let b = builder.add(builder.convolution(a, "b", from: 6, to: 6), stem, "sum")
    let c = builder.relu(builder.convolution(b, "c", from: 6, to: 4), "r2")
    builder.graph.addOutput(builder.linear(builder.flatten(c, "flat"), "head", from: 256, to: 5))
    return builder
  }

  private static let recipes: [Recipe] = [
    (Recipe.Method.exact, 4, 4, 10), (.a2qPlus, 8, 8, 16), (.unconstrained, 3, 5, 16),
    (.exact, 4, 4, 9),
  ].map { method, m, n, p in
    ConverterTests.recipe {
      ($0.method, $0.weightBits, $0.activationBits, $0.accumulatorBits) = (method, m, n, p)
    }
  }

  @Test(arguments: [(Recipe.RangeEstimator.mse, false), (.output, true)])
  func `conversions in a series, in any order, are those one by one`(
    range: Recipe.RangeEstimator, equalization: Bool
  ) throws {
    let model = ConverterTests.model(Self.graph().graph)
    let samples = try ConverterTests.samples(8, [3, 8, 8])
    let recipes = Self.recipes.map { recipe in
      var recipe = recipe
      (recipe.rangeEstimator, recipe.equalization) = (range, equalization)
      return recipe
    }
    let folder = try TemporaryFolder()
    func bytes(_ conversion: Conversion) throws -> [UInt8] {
      let path = folder.path("model.onnx")
      try OnnxWriter.write(conversion.model, to: path)
      return try InputFile(path: path).readAll()
    }
    let alone = try recipes.map {
      try bytes(try Converter($0).convert(model, calibration: samples))
    }
    for order in [Array(recipes.indices), recipes.indices.reversed()] {
      let series = try ConversionSeries(model, recipes[0], calibration: samples)
      for index in order {
        let conversion = try series.convert(recipes[index], measuresOutputs: false)
        #expect(try bytes(conversion) == alone[index], "\(recipes[index].method)")
      }
    }
  }

  @Test func `without samples a series takes ranges from the graph`() throws {
    var builder = ModelBuilder()
    let x = builder.input([.symbolic("n"), 3])
    builder.graph.addOutput(builder.linear(x, "only", from: 3, to: 2))
    let series = try ConversionSeries(
      ConverterTests.model(builder.graph), Self.recipes[0], calibration: nil)
    #expect(throws: ConversionError.self) {
      try series.convert(Self.recipes[0], measuresOutputs: true)
    }
  }
}
