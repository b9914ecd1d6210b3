import Foundation
import TensorCore
import TestSupport
import Testing

@Suite struct FileLocationTests {
  let folder: TemporaryFolder
  let files = FileManager.default

  init() throws {
    folder = try TemporaryFolder()
    _ = try folder.write([1], to: "file")
    for name in ["a/b", "other"] {
      try files.createDirectory(atPath: folder.path(name), withIntermediateDirectories: true)
    }
    try files.createSymbolicLink(atPath: folder.path("link"), withDestinationPath: "file")
    try files.createSymbolicLink(atPath: folder.path("dangling"), withDestinationPath: "a/none")
    try files.createSymbolicLink(atPath: folder.path("other/up"), withDestinationPath: "../a")
    try files.linkItem(atPath: folder.path("file"), toPath: folder.path("hard"))
  }

  private func at(_ name: String) -> FileLocation { FileLocation(folder.url.path + "/" + name) }

  @Test(arguments: [
    ("file", "file"), ("file", "./a/../file"), ("file", "link"), ("file", "hard"),
    ("link", "hard"), ("a", "a/"), ("a", "other/up"), ("a/none", "dangling"),
    ("a/none", "other/up/./none"), ("none/x", "none//y/../x"), ("a/b", "other/up/b/"),
  ])
  func `paths that lead to one place are the same`(one: String, other: String) {
    #expect(at(one).isSame(as: at(other)))
    #expect(at(other).isSame(as: at(one)))
    #expect(!at(one).contains(at(other)))
  }

  @Test(arguments: [
    ("file", "none"), ("file", "file2"), ("a", "a/b"), ("none", "None2"), ("a/none", "none"),
  ])
  func `paths that lead to two places are not`(one: String, other: String) {
    #expect(!at(one).isSame(as: at(other)))
    #expect(!at(other).isSame(as: at(one)))
  }

  @Test(arguments: [
    ("a", "a/b"), ("a", "a/none"), ("a", "other/up/b/none"), ("other/up", "a/x/y"), ("", "file"),
    ("none", "none/x"), ("a/none", "dangling/x"), (".", "dangling"), ("/../../..", "file"),
  ])
  func `a folder contains what lies below it, whatever the way there`(outer: String, inner: String)
  {
    #expect(at(outer).contains(at(inner)))
    #expect(!at(inner).contains(at(outer)))
  }

  @Test func `a folder is not contained in one whose name begins alike`() {
    #expect(!at("a").contains(at("ab/c")))
    #expect(!at("non").contains(at("none/x")))
  }

  @Test func `devices and pipes take any number of writers`() {
    mkfifo(folder.path("pipe"), 0o600)
    #expect(!at("pipe").isSame(as: at("pipe")))
    #expect(FileLocation("/dev/null").kind == .special)
    #expect(!FileLocation("/dev/null").isInherited)
    #expect(FileLocation("/dev/fd/0").isInherited)
    #expect(FileLocation("/dev/stdout").isInherited)
  }

  @Test func `links inside a folder are found by what they lead to`() throws {
    try files.createSymbolicLink(
      atPath: folder.path("a/b/image"), withDestinationPath: "../../file")
    let found = FileLocation.link(in: folder.path("a"), to: [at("none"), at("file")])
    #expect(found?.path == folder.path("a/b/image"))
    #expect(found?.index == 1)
    #expect(FileLocation.link(in: folder.path("other"), to: [at("file")]) == nil)
    // The output would lie in a folder of data that is reached by a link.
    #expect(FileLocation.link(in: folder.path("other"), to: [at("a/new")])?.index == 0)
  }

  @Test func `links in a circle end`() throws {
    try files.createSymbolicLink(atPath: folder.path("x"), withDestinationPath: "y")
    try files.createSymbolicLink(atPath: folder.path("y"), withDestinationPath: "x")
    #expect(at("x").kind == .missing)
  }
}
