import Foundation
import TestSupport
import Testing

@testable import Datasets

/// What tells data apart, wherever it lies.
@Suite struct DataContentTests {
  let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    for group in ["a", "b"] {
      try FileManager.default.createDirectory(
        atPath: folder.path("data/\(group)"), withIntermediateDirectories: true)
      for index in 0..<50 {
        _ = try folder.write(
          [UInt8](repeating: UInt8(index), count: 100 + index), to: "data/\(group)/\(index).png")
      }
    }
  }

  private var content: DataContent { get throws { try DataContent(path: folder.path("data")) } }

  @Test func `data that is moved is the same`() throws {
    let before = try content
    #expect(before.files.count == 100)
    #expect(before.files.first == .init(name: "a/0.png", byteCount: 100))
    try FileManager.default.moveItem(atPath: folder.path("data"), toPath: folder.path("moved"))
    #expect(try DataContent(path: folder.path("moved")) == before)
  }

  @Test func `another name, another size, a file more and one less are told by the listing`() throws
  {
    let before = try content
    var seen = Set([before.listing])
    _ = try folder.write([1], to: "data/a/more.png")
    #expect(seen.insert(try content.listing).inserted)
    try FileManager.default.moveItem(
      atPath: folder.path("data/a/more.png"), toPath: folder.path("data/a/other.png"))
    #expect(seen.insert(try content.listing).inserted)
    _ = try folder.write([1, 2], to: "data/a/other.png")
    #expect(seen.insert(try content.listing).inserted)
    for name in ["a/other.png", "a/7.png"] {
      try FileManager.default.removeItem(atPath: folder.path("data/\(name)"))
    }
    #expect(seen.insert(try content.listing).inserted)
  }

  @Test func `no more than 64 files are read, and a change in one of them names it`() throws {
    let before = try content
    #expect(before.samples.count == 64)
    #expect(before.samples.map(\.name).contains("b/9.png"))
    _ = try folder.write([UInt8](repeating: 200, count: 109), to: "data/b/9.png")
    let after = try content
    #expect(after.listing == before.listing)
    let changed = zip(before.samples, after.samples).filter { $0 != $1 }.map(\.0.name)
    #expect(changed == ["b/9.png"])
  }

  @Test(arguments: [0, 1, 65_535, 65_537, 9_999_999])
  func `a large file's first and last bytes count, and those between at even distances`(
    place: Int
  ) throws {
    var bytes = [UInt8](repeating: 3, count: 10_000_000)
    let before = try DataContent(path: try folder.write(bytes, to: "x.npy"))
    #expect(before.files.map(\.name) == [""])
    bytes[place] = 4
    let after = try DataContent(path: try folder.write(bytes, to: "renamed.npy"))
    #expect(after.listing == before.listing)
    // The second piece begins where a 63rd of the file does.
    #expect((after == before) == (place == 65_537))
  }

  @Test func `labels that lie beside IDX images count`() throws {
    let images = try folder.write([0, 0, 8, 3], to: "train-images-idx3-ubyte")
    let alone = try DataContent(path: images)
    _ = try folder.write([0, 0, 8, 1], to: "train-labels-idx1-ubyte")
    #expect(try DataContent(path: images).files.map(\.name) == ["", "labels"])
    #expect(try DataContent(path: images) != alone)
  }
}
