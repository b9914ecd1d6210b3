import Foundation
import Snug
import TestSupport
import Testing

/// Conversions whose scales are powers of two.
@Suite struct PowerOfTwoTests {
  let folder: TemporaryFolder
  let model = ModelFile(Fixtures.path("digits/model.onnx"))

  init() throws { folder = try TemporaryFolder() }

  private func convert(_ method: Recipe.Method, _ refine: Recipe.Refinement, epochs: Int) throws
    -> ConversionSummary
  {
    var options = ConversionOptions(epochs: epochs)
    options.recipe.method = method
    options.recipe.refine = refine
    options.recipe.accumulatorBits = 13
    options.recipe.scaleType = .powerOfTwo
    options.recipe.calibrationSamples = 32
    options.data = Fixtures.path("digits/calibration.npz")
    options.validation = Fixtures.path("digits/test.npz")
    return try model.convert(to: folder.path("out.onnx"), options)
  }

  @Test(
    arguments: [Recipe.Method.a2qPlus, .a2q, .exact, .unconstrained],
    [(Recipe.Refinement.none, 0), (.best, 0), (.best, 1)])
  func `every scale is a power of two, and the certificate holds`(
    method: Recipe.Method, effort: (refine: Recipe.Refinement, epochs: Int)
  ) throws {
    let summary = try convert(method, effort.refine, epochs: effort.epochs)
    if method != .unconstrained { #expect(summary.report.result.isCertified) }
    for verdict in summary.report.result.layers {
      let weights = try #require(verdict.layer.weight?.scales)
      let input = try #require(verdict.layer.input?.scale)
      #expect(!weights.isEmpty)
      for scale in weights + [input] { #expect(scale.significand == 1, "\(verdict.layer.name)") }
    }
    // Chance is 10 %.
    if effort.refine == .best, effort.epochs == 0 {
      #expect(try #require(summary.quantizedMetric).value > 80)
    }
  }
}
