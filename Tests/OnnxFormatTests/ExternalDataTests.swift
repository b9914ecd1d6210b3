import Foundation
import GraphIR
import TensorCore
import TestSupport
import Testing

@testable import OnnxFormat

@Suite struct ExternalDataTests {
  let folder: TemporaryFolder

  /// A model's folder `inside` beside a file that it must not reach.
  init() throws {
    folder = try TemporaryFolder()
    let inside = folder.url.appending(path: "inside/sub")
    try FileManager.default.createDirectory(at: inside, withIntermediateDirectories: true)
    _ = try folder.write([1, 2, 3, 4, 5, 6, 7, 8], to: "inside/w.data")
    _ = try folder.write([9, 9, 9, 9, 9, 9, 9, 9], to: "inside/sub/w.data")
    _ = try folder.write([0, 0, 0, 0, 0, 0, 0, 0], to: "secret.data")
    _ = try folder.write([0, 0, 0, 0, 0, 0, 0, 0], to: "inside-out.data")
  }

  /// Reads a model whose constant `t`, of two int32 elements, has these `external_data` entries.
  func read(_ entries: [(String, String)], extra: (inout WireMessage) -> Void = { _ in })
    throws(FormatError) -> [Int32]
  {
    var model = ModelBytes()
    model.initializers.append(
      ModelBytes.tensor("t", dims: [2], type: 6) { tensor in
        for (key, value) in entries {
          tensor.message(13) {
            $0.string(1, key)
            $0.string(2, value)
          }
        }
        tensor.int(14, 1)
        extra(&tensor)
      })
    let graph = try model.read(folder: folder.path("inside")).graph
    let tensor = graph.value(named: "t").flatMap { graph[$0].constant }
    return tensor?.elements(of: Int32.self) ?? []
  }

  func fault(_ entries: [(String, String)]) -> ExternalDataFault? {
    do throws(FormatError) {
      _ = try read(entries)
      return nil
    } catch {
      if case .tensor(name: "t", .external(let fault)) = error.problem { return fault }
      return nil
    }
  }

  @Test func `data is read from its place beside the model`() throws {
    #expect(try read([("location", "w.data")]) == [0x0403_0201, 0x0807_0605])
    #expect(
      try read([("location", "w.data"), ("offset", "0"), ("length", "8"), ("checksum", "x")])
        == [0x0403_0201, 0x0807_0605])
    #expect(try read([("location", "sub/w.data")]) == [0x0909_0909, 0x0909_0909])
    #expect(try read([("location", "./sub/w.data")]) == [0x0909_0909, 0x0909_0909])
  }

  @Test func `a location outside the model's folder is refused`() throws {
    for location in [
      "../secret.data", "sub/../../secret.data", folder.path("inside/w.data"), "..",
      "sub/../w.data",
    ] {
      #expect(fault([("location", location)]) == .outsideFolder(location: location))
    }
  }

  @Test func `a link that leaves the folder is refused, one that stays is followed`() throws {
    let manager = FileManager.default
    for (name, target) in [
      ("leaves", "../secret.data"), ("sibling", "../inside-out.data"), ("stays", "w.data"),
    ] {
      try manager.createSymbolicLink(
        atPath: folder.path("inside/\(name)"), withDestinationPath: target)
    }
    try manager.createSymbolicLink(
      atPath: folder.path("inside/up"), withDestinationPath: folder.url.path)
    for location in ["leaves", "sibling", "up/secret.data"] {
      #expect(fault([("location", location)]) == .outsideFolder(location: location))
    }
    #expect(try read([("location", "stays")]) == [0x0403_0201, 0x0807_0605])
  }

  @Test func `a region past the end is refused`() {
    for (offset, size) in [("1", 8), ("9", 8), ("9223372036854775807", 8)] {
      #expect(
        fault([("location", "w.data"), ("offset", offset)])
          == .pastEnd(location: "w.data", offset: Int(offset) ?? 0, length: 8, fileSize: size))
    }
  }

  @Test func `a length or an offset that can't be is refused`() {
    #expect(
      fault([("location", "w.data"), ("length", "4")]) == .length(expected: 8, actual: 4))
    for value in ["-1", "x", "", "99999999999999999999", "1.5"] {
      #expect(
        fault([("location", "w.data"), ("offset", value)])
          == .number(key: "offset", value: value))
    }
  }

  @Test func `a missing location, file or folder is refused`() throws {
    #expect(fault([]) == .noLocation)
    #expect(fault([("location", "")]) == .noLocation)
    let root = try FilePath.resolved(folder.path("inside"))
    #expect(
      fault([("location", "none")])
        == .cannotRead(FileError(.read, "\(root)/none", code: ENOENT)))
    #expect(
      fault([("location", "sub")]) == .cannotRead(FileError(.read, "\(root)/sub", code: EINVAL)))
    var model = ModelBytes()
    model.initializers.append(
      ModelBytes.tensor("t", dims: [1], type: 6) {
        $0.message(13) {
          $0.string(1, "location")
          $0.string(2, "w.data")
        }
        $0.int(14, 1)
      })
    #expect(model.problem() == .tensor(name: "t", .external(.noFolder)))
  }

  @Test func `data both inside and outside is refused`() {
    #expect(throws: FormatError.self) {
      try read([("location", "w.data")]) { $0.bytes(9, [1, 2, 3, 4, 5, 6, 7, 8]) }
    }
  }
}
