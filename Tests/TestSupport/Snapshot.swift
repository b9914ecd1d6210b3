import Foundation

/// Recorded text under `Snapshots/` beside a test, renewed by `RECORD_SNAPSHOTS=1` and never in CI.
package enum Snapshot {
  /// Whether recorded text is to be renewed.
  package static var records: Bool {
    let environment = ProcessInfo.processInfo.environment
    return environment["RECORD_SNAPSHOTS"] == "1" && environment["CI"] != "true"
  }

  /// The recorded text of that name, after it was renewed with `text` where that is asked for.
  package static func recorded(_ name: String, for text: String, file: String = #filePath) throws
    -> String
  {
    let path = URL(filePath: file).deletingLastPathComponent().appending(path: "Snapshots/\(name)")
    if records {
      try FileManager.default.createDirectory(
        at: path.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(text.utf8).write(to: path)
    }
    return try String(contentsOf: path, encoding: .utf8)
  }
}
