import Snug
import TestSupport
import Testing

/// Narrow accumulators on converted digit classifiers.
@Suite struct OverflowEmulationTests {
  let folder: TemporaryFolder
  let model = ModelFile(Fixtures.path("digits/model.onnx"))
  let data = Fixtures.path("digits/test.npz")

  init() throws { folder = try TemporaryFolder() }

  private func converted(
    _ method: Recipe.Method, accumulatorBits: Int, tileSize: Int? = nil
  ) throws -> ModelFile {
    var options = ConversionOptions()
    options.recipe.method = method
    options.recipe.accumulatorBits = accumulatorBits
    options.recipe.tileSize = tileSize
    options.recipe.calibrationSamples = 32
    options.data = Fixtures.path("digits/calibration.npz")
    let path = folder.path("\(method.rawValue)-\(accumulatorBits).onnx")
    _ = try model.convert(to: path, options)
    return ModelFile(path)
  }

  private func evaluate(_ model: ModelFile, _ overflow: OverflowOptions?) throws -> Evaluation {
    var options = EvaluationOptions()
    options.limit = 100
    options.usesIntegers = false
    options.overflow = overflow
    return try model.evaluate(on: data, options)
  }

  @Test(arguments: OverflowOptions.Overflow.allCases)
  func `a certified file overflows nowhere and computes what it did`(
    overflow: OverflowOptions.Overflow
  ) throws {
    let file = try converted(.a2qPlus, accumulatorBits: 12)
    let plain = try evaluate(file, nil)
    let emulated = try evaluate(file, OverflowOptions(accumulatorBits: 12, overflow: overflow))
    let report = try #require(emulated.overflow)
    #expect(report.layers.count == 4)
    #expect(report.layers.allSatisfy { $0.dotProducts > 0 })
    #expect(report.total.overflowed == 0 && report.total.partiallyOverflowed == 0)
    #expect(emulated.value == plain.value)
  }

  @Test func `a file without the constraint overflows, and wrapping costs it its accuracy`() throws
  {
    let file = try converted(.unconstrained, accumulatorBits: 12)
    let exact = try evaluate(file, OverflowOptions(accumulatorBits: 8, overflow: .count))
    let wrapped = try evaluate(file, OverflowOptions(accumulatorBits: 8, overflow: .wrap))
    let counted = try #require(exact.overflow)
    #expect(counted.total.overflowed > 0)
    #expect(counted.total.partiallyOverflowed >= counted.total.overflowed)
    #expect(try evaluate(file, nil).value == exact.value)
    #expect(wrapped.value < exact.value - 20)
  }

  @Test func `all layers can be held to a width, or those in the middle alone`() throws {
    let file = try converted(.a2qPlus, accumulatorBits: 12)
    let all = try evaluate(file, OverflowOptions(accumulatorBits: 32, layers: .all))
    #expect(all.overflow?.layers.count == 6)
    #expect(all.overflow?.total.overflowed == 0)
  }

  @Test func `sums in tiles are refused, not emulated as one register`() throws {
    let file = try converted(.exact, accumulatorBits: 10, tileSize: 16)
    let error = try #require(throws: SnugError.self) {
      try evaluate(file, OverflowOptions(accumulatorBits: 10))
    }
    #expect("\(error.diagnostic)".contains("tiles of 16"))
  }

  @Test func `a float model has no accumulators to narrow`() throws {
    #expect(throws: SnugError.self) { try evaluate(model, OverflowOptions(accumulatorBits: 12)) }
  }
}
