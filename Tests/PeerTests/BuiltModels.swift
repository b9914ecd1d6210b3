import Foundation
import TestSupport
import Testing

/// Small models that a script makes with the onnx package, each with something that conversion may trip over.
struct BuiltModels {
  private struct Entry: Decodable {
    var name: String
    var shape: [Int]
    var isBatchFixed: Bool
  }

  let folder: TemporaryFolder
  let all: [PeerModel]

  init() throws {
    let folder = try TemporaryFolder()
    let script = ExportCheck.scripts.appending(path: "make_models.py")
    let peer = try Peers.runPython(file: script, [folder.url.path])
    try #require(peer.status == 0, "\(peer.errors)")
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    let list = try Data(contentsOf: folder.url.appending(path: "models.json"))
    all = try decoder.decode([Entry].self, from: list).map {
      PeerModel(
        path: folder.path("\($0.name).onnx"), shape: $0.shape, isBatchFixed: $0.isBatchFixed)
    }
    self.folder = folder
  }

  subscript(name: String) -> PeerModel {
    get throws { try #require(all.first { $0.testDescription == "\(name).onnx" }) }
  }
}
