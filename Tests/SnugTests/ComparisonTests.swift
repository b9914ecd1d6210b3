import Snug
import TestSupport
import Testing

@Suite struct ModelComparisonTests {
  private let float = ModelFile(Fixtures.path("digits/model.onnx"))
  private let data = Fixtures.path("digits/test.npz")
  private let folder: TemporaryFolder
  private let quantized: ModelFile

  init() throws {
    folder = try TemporaryFolder()
    quantized = ModelFile(folder.path("q.onnx"))
    var options = ConversionOptions()
    options.recipe.accumulatorBits = 12
    options.recipe.calibrationSamples = 32
    options.data = Fixtures.path("digits/calibration.npz")
    _ = try float.convert(to: quantized.path, options)
  }

  @Test func `a model differs in nothing from itself, whether it is quantized or not`() throws {
    for model in [float, quantized] {
      var options = ComparisonOptions()
      options.samples = 40
      options.limit = 50
      let comparison = try model.compare(with: model, on: data, options)
      #expect(comparison.layers.count == 6)
      #expect(comparison.layers.allSatisfy { $0.inPlace?.isExact == true })
      // Alone, other operators are computed in one pass, which moves the last bits of sums.
      #expect(comparison.layers.allSatisfy { $0.alone?.decibels ?? .infinity > 120 })
      #expect(comparison.outputs.allSatisfy { $0.ratio.isExact && $0.largestDeviation == 0 })
      let metric = try #require(comparison.metric)
      #expect(metric.reference == metric.model)
      #expect(metric.samples == 50)
      #expect(comparison.json["layers"]?.arrayValue?.first?["in_place_snr_db"] == .null)
    }
  }

  @Test func `the first layer loses as much alone as in place, and later ones more in place`()
    throws
  {
    let comparison = try float.compare(with: quantized, on: data)
    let first = try #require(comparison.layers.first)
    #expect(first.alone == first.inPlace)
    let last = try #require(comparison.layers.last)
    #expect(try #require(last.alone?.decibels) > (try #require(last.inPlace?.decibels)))
    let metric = try #require(comparison.metric)
    var evaluation = EvaluationOptions()
    #expect(metric.reference == (try float.evaluate(on: data, evaluation).value))
    evaluation.batchSize = 16
    #expect(metric.model == (try quantized.evaluate(on: data, evaluation).value))
    // Budgets are used up by their method, and never exceeded.
    for layer in comparison.layers {
      let use = try #require(layer.budgetUse)
      #expect(use.mean <= use.most && use.most <= 1)
    }
  }

  @Test func `models without a layer in common are refused by name`() throws {
    let other = ModelFile(Fixtures.path("foreign/brevitas-qonnx.onnx"))
    let error = #expect(throws: SnugError.self) { try float.compare(with: other, on: data) }
    #expect(
      error.map { "\($0)" }
        == "\(other.path): no dot product has the name of one in '\(float.path)'; give the model that it was made from"
    )
  }
}
