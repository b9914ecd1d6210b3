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
        .filter { path in !decomposed.contains { path.contains($0) } }
    }.sorted()
  }()

  /// Models of onnxruntime's own operators that become several of the standard where they are decoded, so that layers
  /// have other names, and what is not analysed undecoded may be.
  static let decomposed = [
    "/ort-qoperator", "/fused/Attention/", "/fused/GatherBlockQuantized/",
    "/fused/MultiHeadAttention/", "/fused/QLinearSoftmax/", "/fused/RotaryEmbedding/",
    "/cases/block_weights/", "/ops/Einsum/",
  ]

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
