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
    let path = folder.path("digits.onnx")
    _ = try ModelFile(Fixtures.path("digits/model.onnx")).convert(to: path, options)
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
    #expect(report.result.layers.allSatisfy { $0.layer.bias == nil })
  }

  @Test func `tiles keep their order in exports, or the export is refused`() throws {
    let file = try converted { $0.tileSize = 16 }
    let report = try file.export(
      to: folder.path("integer.onnx"), ExportOptions(format: .integer)
    ).report
    #expect(report.result.isCertified)
    #expect(report.result.layers.contains { $0.tiles?.size == 16 })
    var channelsLast = ExportOptions(format: .qonnx)
    channelsLast.channelsLast = true
    for options in [channelsLast, ExportOptions(format: .hls4ml)] {
      let error = try #require(throws: SnugError.self) {
        _ = try file.export(to: folder.path("moved.onnx"), options)
      }
      #expect("\(error.diagnostic)".contains("tiles"))
    }
  }
}
