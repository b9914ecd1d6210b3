import Foundation

/// Where the test data lies, resolved from this source file so that no resource bundle is needed.
package enum Fixtures {
  /// The repository's root folder.
  package static let repository = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  /// `fixtures/`, or the folder that `SNUG_FIXTURES` names.
  package static let root: URL =
    ProcessInfo.processInfo.environment["SNUG_FIXTURES"].map { URL(filePath: $0) }
    ?? repository.appending(path: "fixtures")

  /// The path of a file below `fixtures/`.
  package static func path(_ relative: String) -> String { root.appending(path: relative).path }

  /// The folder of optional larger material beside the checkout, where it exists.
  package static let shared: URL? = {
    let folder = repository.deletingLastPathComponent().appending(path: "shared")
    return FileManager.default.fileExists(atPath: folder.path) ? folder : nil
  }()
}
