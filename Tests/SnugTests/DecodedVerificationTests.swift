import Foundation
import GraphIR
import Reporting
import Snug
import TestSupport
import Testing
import Verification

/// A verdict depends on the file, not on whether its operators were decoded.
@Suite struct DecodedVerificationTests {
  static let models: [String] = {
    let shared = ["models", "golden/qonnx"].compactMap { Fixtures.shared?.appending(path: $0) }
    return ([Fixtures.root] + shared).flatMap { root -> [String] in
      let files = FileManager.default.enumerator(at: root, includingPropertiesForKeys: nil)
      return (files?.compactMap { ($0 as? URL)?.path } ?? [])
        .filter { $0.hasSuffix(".onnx") && !$0.contains("/malformed/") }
        // Operators of onnxruntime's own become those of the standard where they are decoded.
        .filter { !$0.contains("/ort-qoperator") }
    }.sorted()
  }()

  @Test(arguments: models)
  func `decoded and undecoded operators give the same certificate`(_ path: String) throws {
    let file = ModelFile(path)
    func certificate(_ model: Model) throws -> String {
      let conditions = VerificationConditions(accumulatorBits: 16)
      return Certificate(
        model: ModelSummary(model, path: path), files: [], conditions: conditions,
        result: try Verifier.verify(model, conditions)
      ).json.text()
    }
    let decoded = try certificate(file.load())
    let undecoded = try certificate(file.loadUndecoded())
    #expect(decoded == undecoded)
  }
}
