import Datasets
import Foundation
import GraphIR
import OnnxFormat
import Operators
import Passes
import TensorCore
import TestSupport
import Testing
import Training
import Verification

@testable import Snug

/// `fixtures/malformed`: inputs that once ended the process, or would if a check were left out.
///
/// Each folder has the name of the reader that must refuse its files; all other readers must survive them.
@Suite struct MalformedCorpusTests {
  /// A reader of files, which throws where it refuses one.
  enum Reader: String, CaseIterable {
    case onnx, `import`, verify, data, recipe, checkpoint

    func read(_ path: String) throws {
      switch self {
      case .onnx: _ = try OnnxReader.read(path: path, resolver: OpaqueResolver())
      case .import:
        var model = try OnnxReader.read(path: path, resolver: Catalogue())
        _ = try Pipeline.importCanonical.run(&model.graph)
      case .verify: _ = try ModelFile(path).verify()
      case .data:
        let input = DatasetRequest.Input(
          name: "x", type: TensorType(.float32, [.unknown, .unknown, .unknown, .unknown]))
        let data = try DatasetLoader.open(path: path, for: DatasetRequest(inputs: [input]))
        _ = try data.batch([0])
        _ = try data.batch([data.count - 1])
      case .recipe:
        var options = ConversionOptions()
        try RecipeFile.apply(path, to: &options)
      case .checkpoint:
        let folder = try TemporaryFolder()
        let store = try CheckpointStore(folder: folder.url.path)
        try FileManager.default.copyItem(atPath: path, toPath: store.path(.latest))
        _ = try store.restore(.latest, into: [], configuration: .object([]))
      }
    }
  }

  /// Paths of the files in one folder.
  private static func files(_ folder: String) throws -> [String] {
    let path = Fixtures.path("malformed/\(folder)")
    return try FileManager.default.contentsOfDirectory(atPath: path).sorted().map {
      "\(path)/\($0)"
    }
  }

  /// Whether a reader refuses a file, by an error of its own.
  private func isRefused(_ path: String, by reader: Reader) -> Bool {
    do {
      try reader.read(path)
      return false
    } catch {
      let isTyped =
        error is SnugError || error is FormatError || error is DatasetError || error is PassError
        || error is CheckpointError
      #expect(isTyped, "\(path): \(error)")
      return true
    }
  }

  @Test(arguments: try FileManager.default.contentsOfDirectory(atPath: Fixtures.path("malformed")))
  func `every file is refused by the reader of its folder and survived by all others`(
    folder: String
  ) throws {
    let owner = try #require(Reader(rawValue: folder), "no reader is called so")
    for path in try Self.files(folder) {
      for reader in Reader.allCases {
        let refused = isRefused(path, by: reader)
        if reader == owner { #expect(refused, "\(path)") }
      }
    }
  }
}
