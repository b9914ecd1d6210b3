import Foundation
import Quantization
import Snug
import TestSupport
import Testing

/// Converted files against onnx's checker, qonnx's clean-up and executor, and a reading of the format by NumPy.
@Suite(.enabled(if: Peers.python != nil, Comment(rawValue: Peers.hint)))
struct ExportTests {
  @Test(arguments: PeerModel.present)
  func `an exported file is certified, holds what is promised and runs alike elsewhere`(
    _ model: PeerModel
  ) throws {
    var check = try ExportCheck()
    for widths in Widths.all { try check.convert(model, to: widths) }
    try expectAgreement(check)
  }

  @Test func `small models of one trait each are exported alike`() throws {
    let models = try BuiltModels()
    var check = try ExportCheck()
    for model in models.all {
      do { try check.convert(model, to: Widths(weight: 4, activation: 5, accumulator: 13)) } catch {
        Issue.record(error, "\(model.testDescription)")
      }
    }
    try expectAgreement(check)
  }

  @Test(arguments: [Recipe.Method.a2qPlus, .a2q, .exact])
  func `a fine-tuned file is exported alike`(method: Recipe.Method) throws {
    var check = try ExportCheck()
    try check.convert(.digits, to: Widths(weight: 4, activation: 4, accumulator: 11)) {
      $0.recipe.method = method
      Self.train(&$0)
    }
    try expectAgreement(check)
  }

  @Test func `small models of one trait each are fine-tuned and exported alike`() throws {
    let models = try BuiltModels()
    var check = try ExportCheck()
    for model in models.all {
      do {
        try check.convert(
          model, to: Widths(weight: 4, activation: 5, accumulator: 13), change: Self.train)
      } catch {
        Issue.record(error, "\(model.testDescription)")
      }
    }
    try expectAgreement(check)
  }

  @Test(arguments: [Recipe.Method.a2qPlus, .a2q, .exact])
  func `biases that count in their accumulators are exported alike`(method: Recipe.Method) throws {
    let models = try BuiltModels()
    var check = try ExportCheck()
    for model in models.all {
      for trains in [false, true] {
        do {
          try check.convert(model, to: Widths(weight: 4, activation: 5, accumulator: 13)) {
            $0.recipe.method = method
            $0.recipe.biasBits = 12
            if trains { Self.train(&$0) }
          }
        } catch {
          Issue.record(error, "\(model.testDescription)")
        }
      }
    }
    try expectAgreement(check)
  }

  @Test(arguments: [Recipe.Method.a2qPlus, .a2q, .exact], [nil, 14])
  func `sums in tiles are exported alike`(method: Recipe.Method, outerBits: Int?) throws {
    let models = try BuiltModels()
    var check = try ExportCheck()
    for (index, model) in models.all.enumerated() {
      do {
        try check.convert(model, to: Widths(weight: 4, activation: 5, accumulator: 11)) {
          $0.recipe.method = method
          $0.recipe.tileSize = 4
          $0.recipe.outerBits = outerBits
          if index % 2 == 0 { $0.recipe.biasBits = 10 }
          if index % 3 == 0 { Self.train(&$0) }
        }
      } catch {
        Issue.record(error, "\(model.testDescription)")
      }
    }
    try expectAgreement(check)
  }

  /// Imitation of the float model, with steps large enough to move integers.
  private static func train(_ options: inout ConversionOptions) {
    options.training.epochs = 3
    options.training.batchSize = 4
    options.training.learningRate = 0.01
  }

  private func expectAgreement(_ check: ExportCheck) throws {
    for (job, report) in zip(check.jobs, try check.run()) {
      let name =
        "\(URL(filePath: job.original).lastPathComponent) W\(job.weightBits)A\(job.activationBits)"
      #expect(report.violations == [], "\(name)")
      guard report.violations.isEmpty else { continue }
      let comparison = try ExecutionComparison(job, report)
      #expect(comparison.wrongCodes == 0, "\(name)")
      #expect(comparison.stageDeviation <= 1e-5, "\(name)")
      #expect(comparison.ties <= 1 + comparison.codes / 50_000, "\(name)")
      // One code on the other side of a tie moves all that follows.
      #expect(comparison.differentCodes == 0 || comparison.ties > 0, "\(name)")
      if comparison.differentCodes == 0 {
        #expect(comparison.outputDeviation <= 1e-5, "\(name)")
      }
      if ProcessInfo.processInfo.environment["SNUG_TEST_VERBOSE"] != nil {
        print(name, comparison)
      }
    }
  }
}
