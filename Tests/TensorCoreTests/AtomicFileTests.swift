import Foundation
import TestSupport
import Testing

@testable import TensorCore

@Suite struct AtomicFileTests {
  @Test func `a file appears only once it is committed`() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write([1], to: "out")
    do {
      var file = try AtomicFile(replacing: path)
      try file.write([2, 3])
      #expect(FileManager.default.contents(atPath: path) == Data([1]))
      try file.commit()
    }
    #expect(FileManager.default.contents(atPath: path) == Data([2, 3]))
    #expect(try folder.contents() == ["out"])
  }

  @Test func `without a commit the folder is as before`() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("out")
    do {
      var file = try AtomicFile(replacing: path)
      try file.write([2, 3])
      #expect(try folder.contents().count == 1)
    }
    #expect(try folder.contents() == [])
  }

  @Test func `the permissions of a replaced file stay`() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write([1], to: "out")
    chmod(path, 0o640)
    try AtomicFile.write([2], to: path)
    var status = stat()
    #expect(stat(path, &status) == 0)
    #expect(status.st_mode & 0o777 == 0o640)
  }

  @Test func `a link stays a link and its target is replaced`() throws {
    let folder = try TemporaryFolder()
    let target = try folder.write([1], to: "target")
    let link = folder.path("link")
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: target)
    try AtomicFile.write([2], to: link)
    #expect(FileManager.default.contents(atPath: target) == Data([2]))
    #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link) == target)
  }

  @Test func `a device is written to and not replaced`() throws {
    try AtomicFile.write([1, 2, 3], to: "/dev/null")
    var status = stat()
    #expect(stat("/dev/null", &status) == 0)
    #expect(status.st_mode & S_IFMT == S_IFCHR)
    #expect(throws: FileError(.write, "/dev/full", code: ENOSPC)) {
      try AtomicFile.write([1], to: "/dev/full")
    }
  }

  @Test func `a folder that is missing is named`() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("none/out")
    #expect(throws: FileError(.write, path, code: ENOENT)) { try AtomicFile.write([1], to: path) }
  }
}
