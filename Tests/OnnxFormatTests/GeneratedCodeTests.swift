import Foundation
import TestSupport
import Testing

@Suite struct GeneratedCodeTests {
  static let compiler = [
    "/usr/bin/protoc-c", "/usr/local/bin/protoc-c", "/opt/homebrew/bin/protoc-c",
  ]
  .first { FileManager.default.isExecutableFile(atPath: $0) }

  @Test(.enabled(if: compiler != nil, "skipped: protoc-c is not installed"))
  func `the generated C code is that of the schema`() throws {
    let process = Process()
    process.executableURL = Fixtures.repository.appending(path: "scripts/generate-proto")
    process.arguments = ["--check"]
    process.standardOutput = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0, "run scripts/generate-proto")
  }
}
