import Foundation
import GraphIR
import TensorCore
import TestSupport
import Testing

@testable import OnnxFormat

@Suite struct RoundTripTests {
  /// Every model below `fixtures/` and in the optional shared folder.
  static let models: [String] = {
    let roots = [Fixtures.root, Fixtures.shared?.appending(path: "models")].compactMap { $0 }
    return roots.flatMap { root -> [String] in
      let files = FileManager.default.enumerator(at: root, includingPropertiesForKeys: nil)
      return (files?.compactMap { ($0 as? URL)?.path } ?? [])
        .filter { $0.hasSuffix(".onnx") && !$0.contains("/malformed/") }
    }.sorted()
  }()

  @Test(arguments: models)
  func `a model survives being written and read, and the second file equals the first`(
    path: String
  ) throws {
    let model = try OnnxReader.read(path: path, resolver: OpaqueResolver())
    let first = try OnnxWriter.serialize(model)
    let again = try OnnxReader.read(bytes: first, resolver: OpaqueResolver())
    expectEqual(again, model)
    #expect(try OnnxWriter.serialize(again) == first)
  }
}
