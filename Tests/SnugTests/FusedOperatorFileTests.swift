import Foundation
import GraphIR
import OnnxFormat
import Snug
import TensorCore
import TestSupport
import Testing

/// Operators of onnxruntime's domain, as files hold them, against what onnxruntime computes.
@Suite struct FusedOperatorFileTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var folder: String { Fixtures.path("fused/\(testDescription)") }
  }

  static let cases: [Case] = {
    func contents(_ path: String) -> [String] {
      (try? FileManager.default.contentsOfDirectory(atPath: Fixtures.path(path)))?.sorted() ?? []
    }
    return contents("fused").flatMap { type in
      contents("fused/\(type)").map { Case(testDescription: "\(type)/\($0)") }
    }
  }()

  @Test(arguments: cases)
  func `a file computes what onnxruntime computes`(_ recorded: Case) throws {
    let model = try OnnxReader.read(
      path: recorded.folder + "/model.onnx", resolver: OpaqueResolver())
    var inputs: [String: Tensor] = [:]
    for (index, input) in model.graph.inputs.enumerated() {
      inputs[model.graph[input].name] = try TensorFile.read(
        path: recorded.folder + "/input_\(index).pb")
    }
    let results = try ModelFile(recorded.folder + "/model.onnx").run(inputs)
    let expected = try TensorFile.read(path: recorded.folder + "/output_0.pb")
    let actual = try #require(results.first).tensor
    #expect(actual.shape == expected.shape)
    #expect(actual.elementType == expected.elementType)
    let (x, y) = (
      try #require(actual.convertedToFloat()).elements(of: Float.self),
      try #require(expected.convertedToFloat()).elements(of: Float.self)
    )
    // Integers differ by one where a value lies at a tie.
    let tolerance: Float = expected.elementType.isInteger ? 1 : 2e-5
    #expect(zip(x, y).allSatisfy { abs($0 - $1) <= tolerance })
  }
}
