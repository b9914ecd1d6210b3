import Snug
import TestSupport
import Testing

/// What exports state of registers that depend on more than a layer's integers.
@Suite struct ExportStatementTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func converted(_ change: (inout Recipe) -> Void) throws -> ModelFile {
    var options = ConversionOptions()
    options.recipe.accumulatorBits = 11
    options.recipe.calibrationSamples = 32
    options.recipe.foldBatchNormalization = true
    options.data = Fixtures.path("digits/calibration.npz")
    change(&options.recipe)
    let path = folder.path("quantized.onnx")
    // Of operators that hls4ml reads too.
    _ = try ModelFile(Fixtures.path("cases/images/convolutional/model.onnx"))
      .convert(to: path, options)
    return ModelFile(path)
  }

  @Test func `a bias that a format adds behind the scales is no longer stated as included`() throws
  {
    let file = try converted { $0.biasBits = 14 }
    #expect(try file.verify().result.layers.allSatisfy { $0.layer.bias != nil })
    let report = try file.export(
      to: folder.path("hls4ml.onnx"), ExportOptions(format: .hls4ml)
    ).report
    #expect(report.result.isCertified)
    // It is for an input whose step is a power of two by chance.
    for layer in report.result.layers.map(\.layer) {
      let step = try #require(layer.input?.scale)
      #expect((layer.bias != nil) == (step.significand == 1), "\(layer.name)")
    }
    #expect(report.result.layers.contains { $0.layer.bias == nil })
  }

  @Test func `with powers of two every format keeps biases in the accumulators`() throws {
    let file = try converted {
      $0.biasBits = 14
      $0.scaleType = .powerOfTwo
    }
    let before = try file.verify().result.layers
    let report = try file.export(
      to: folder.path("hls4ml.onnx"), ExportOptions(format: .hls4ml)
    ).report
    #expect(report.result.isCertified)
    let after = report.result.layers
    #expect(after.map(\.layer.bias?.values) == before.map(\.layer.bias?.values))
    #expect(after.allSatisfy { $0.layer.bias != nil })
    #expect(after.map(\.requiredBits) == before.map(\.requiredBits))
  }

  @Test(arguments: [ExportFormat.qonnx, .hls4ml], [ExportFormat.qonnx, .qcdq])
  func `a channels-last file that is exported again has its transpositions at the input alone`(
    form: ExportFormat, format: ExportFormat
  ) throws {
    let file = try converted { $0.scaleType = .powerOfTwo }
    var options = ExportOptions(format: form)
    options.channelsLast = true
    let turned = ModelFile(folder.path("turned.onnx"))
    _ = try file.export(to: turned.path, options)
    let back = ModelFile(folder.path("back.onnx"))
    let report = try turned.export(to: back.path, ExportOptions(format: format)).report
    #expect(report.result.isCertified)
    let graph = try back.load().graph
    let transposes = graph.nodeIDs.map { graph[$0] }.filter { $0.op.type == "Transpose" }
    #expect(transposes.count == 1)

    let pixels = (0..<64).map { (index: Int) -> Float in Float((index * 37 + index / 64) % 17) }
    let expected = try file.run(["input": Tensor(pixels, shape: [1, 1, 8, 8])])
    let actual = try back.run(["input": Tensor(pixels, shape: [1, 8, 8, 1])])
    let pairs = zip(
      expected[0].1.elements(of: Float.self), actual[0].1.elements(of: Float.self))
    #expect(pairs.allSatisfy { abs($0 - $1) <= 1e-5 * max(1, abs($0)) })
  }

  @Test func `tiles keep their order in exports with channels first`() throws {
    let file = try converted { $0.tileSize = 16 }
    let report = try file.export(
      to: folder.path("integer.onnx"), ExportOptions(format: .integer)
    ).report
    #expect(report.result.isCertified)
    #expect(report.result.layers.contains { $0.tiles?.size == 16 })
    let before = try file.verify().result.layers
    #expect(report.result.layers.map(\.requiredBits) == before.map(\.requiredBits))
  }
}
