import Foundation
import TestSupport
import Testing

/// The checker shares no code with what it checks.
@Suite struct IndependenceTests {
  @Test func `Verification imports nothing that quantizes`() throws {
    let folder = Fixtures.repository.appending(path: "Sources/Verification")
    let files = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)
    var imports: Set<String> = []
    for case let file as URL in try #require(files) where file.pathExtension == "swift" {
      for line in try String(contentsOf: file, encoding: .utf8).split(separator: "\n") {
        let words = line.split(separator: " ")
        if let index = words.firstIndex(of: "import"), index + 1 < words.count, index <= 1,
          !line.hasPrefix("//")
        {
          imports.insert(String(words[index + 1]))
        }
      }
    }
    #expect(imports == ["AccumulatorBounds", "GraphIR", "TensorCore"])
  }
}
