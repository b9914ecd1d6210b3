import Foundation
import TestSupport
import Testing

@testable import TensorCore

@Suite struct TemporaryFileTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  @Test func `what a dead process left is removed by the next that writes there`() throws {
    let names = [".snug-17-0123456789abcdef.tmp", ".snug-99999999-f.tmp"]
    for name in names { _ = try folder.write([1, 2], to: name) }
    try AtomicFile.write([3], to: folder.path("out"))
    #expect(try folder.contents() == ["out"])
  }

  @Test func `what a live process has is not, and nor is anything else`() throws {
    var file = try AtomicFile(replacing: folder.path("out"))
    try file.write([1])
    let others = [".snug-1.tmp", ".snug-x-1.tmp", "snug-1-1.tmp", ".snug-1-1.tmpx", ".snug--1.tmp"]
    for name in others { _ = try folder.write([1], to: name) }
    let before = try folder.contents()
    #expect(before.count == 1 + others.count)
    TemporaryFile.removeAbandoned(in: folder.url.path + "/")
    #expect(try folder.contents() == before)
    try file.commit()
    #expect(try folder.contents() == (others + ["out"]).sorted())
  }

  @Test func `a link with such a name is left alone, and so is its target`() throws {
    let target = try folder.write([1], to: "target")
    let link = folder.path(".snug-1-1.tmp")
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: target)
    TemporaryFile.removeAbandoned(in: folder.url.path + "/")
    #expect(try folder.contents() == [".snug-1-1.tmp", "target"])
  }

  @Test func `a name that is too long is refused before anything is written`() throws {
    let path = folder.path(String(repeating: "n", count: 300))
    #expect(throws: FileError(.write, path, code: ENAMETOOLONG)) {
      try AtomicFile.write([1], to: path)
    }
    #expect(try folder.contents().isEmpty)
  }
}
