import Foundation
import TestSupport
import Testing

/// Converted files against onnx's checker, qonnx's clean-up and executor, and a reading of the format by NumPy.
@Suite(.enabled(if: Peers.python != nil, Comment(rawValue: Peers.hint)))
struct ExportTests {
  @Test(arguments: PeerModel.present)
  func `an exported file is certified, holds what is promised and runs alike elsewhere`(
    _ model: PeerModel
  ) throws {
    var check = try ExportCheck(model)
    for widths in Widths.all { try check.convert(try model.path(), to: widths) }
    for (job, report) in zip(check.jobs, try check.run()) {
      #expect(report.violations == [])
      guard report.violations.isEmpty else { continue }
      let comparison = try ExecutionComparison(job, report)
      #expect(comparison.wrongCodes == 0)
      #expect(comparison.stageDeviation <= 1e-5)
      #expect(comparison.ties <= 1 + comparison.codes / 50_000)
      // One code on the other side of a tie moves all that follows.
      #expect(comparison.differentCodes == 0 || comparison.ties > 0)
      if comparison.differentCodes == 0 { #expect(comparison.outputDeviation <= 1e-5) }
      if ProcessInfo.processInfo.environment["SNUG_TEST_VERBOSE"] != nil {
        print(
          "\(model.name) W\(job.weightBits)A\(job.activationBits)P\(job.accumulatorBits):",
          comparison)
      }
    }
  }
}
