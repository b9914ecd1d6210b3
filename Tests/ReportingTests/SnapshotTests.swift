import GraphIR
import TensorCore
import TestSupport
import Testing
import Verification

@testable import Reporting

/// Reports as recorded under `Snapshots/`; `RECORD_SNAPSHOTS=1` records them anew.
@Suite struct SnapshotTests {
  static func check(_ text: String, _ name: String) throws {
    let recorded = try Snapshot.recorded(name, for: text)
    #expect(text == recorded, "record with RECORD_SNAPSHOTS=1 if the change is meant")
  }

  static func inspection(_ model: Model) throws -> InspectionReport {
    InspectionReport(
      model: ModelSummary(model, path: "model.onnx"), result: try Verifier.verify(model))
  }

  @Test func `the inspection of a partly quantized model`() throws {
    let report = try Self.inspection(SampleModels.mixed())
    try Self.check(report.text(), "inspect-mixed.txt")
    try Self.check(report.json.text(indentation: 2) + "\n", "inspect-mixed.json")
  }

  @Test(arguments: [60, 80, 100])
  func `the inspection fits a terminal`(_ width: Int) throws {
    let report = try Self.inspection(SampleModels.mixed())
    let text = report.text(style: TextStyle(width: width))
    #expect(text.split(separator: "\n").allSatisfy { $0.count <= width })
    try Self.check(text, "inspect-mixed-\(width).txt")
  }

  @Test func `the inspection in ASCII`() throws {
    let text = try Self.inspection(SampleModels.mixed())
      .text(style: TextStyle(width: 80, isUnicode: false))
    #expect(text.utf8.allSatisfy { $0 < 128 })
    try Self.check(text, "inspect-mixed-ascii.txt")
  }

  @Test func `the verification of a certified model`() throws {
    let report = VerificationReport(
      path: "model.onnx", result: try Verifier.verify(SampleModels.certified))
    try Self.check(report.text(), "verify-certified.txt")
    try Self.check(report.json.text(indentation: 2) + "\n", "verify-certified.json")
  }

  @Test func `the verification of a refuted model`() throws {
    let report = VerificationReport(
      path: "model.onnx",
      result: try Verifier.verify(SampleModels.mixed(hiddenTarget: 7)))
    try Self.check(report.text(style: TextStyle(width: 80)), "verify-refuted.txt")
    try Self.check(report.json.text(indentation: 2) + "\n", "verify-refuted.json")
  }

  @Test func `the certificate`() throws {
    let model = SampleModels.certified
    let certificate = Certificate(
      model: ModelSummary(model, path: "model.onnx"),
      files: [FileIdentity(name: "model.onnx", byteCount: 3, sha256: "ba78")],
      conditions: VerificationConditions(), result: try Verifier.verify(model))
    try Self.check(certificate.json.text(indentation: 2) + "\n", "certificate.json")
  }
}
