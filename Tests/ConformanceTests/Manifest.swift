import Foundation

/// What is expected of each case, one a line: `NAME pass`, `NAME passes as corrected: HOW`,
/// `NAME out of scope: WHAT` or `NAME fails: REASON`.
struct Manifest {
  enum Entry: Hashable {
    case pass
    /// On the data that a later version of ONNX corrected; how is written by hand.
    case corrected(String)
    /// ``ConformanceScope`` says so, and it doesn't pass.
    case outOfScope(String)
    /// In scope; the reason is written by hand.
    case failure(String)
  }

  var entries: [String: Entry]

  static let path = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "manifest.txt")

  init(entries: [String: Entry] = [:]) { self.entries = entries }

  /// - Throws: ``ManifestError`` for a line that is none of these, or names a case again.
  init(_ text: String) throws {
    self.init()
    for line in text.split(separator: "\n") where !line.hasPrefix("#") {
      let (name, rest) = line.halves(at: " ")
      guard let entry = Entry(rest), entries.updateValue(entry, forKey: name) == nil else {
        throw ManifestError(line: String(line))
      }
    }
  }

  var text: String {
    entries.keys.sorted().map { "\($0) \(entries[$0]?.text ?? "")\n" }.joined()
  }
}

struct ManifestError: Error { let line: String }

extension Manifest.Entry {
  init?(_ text: String) {
    let (kind, reason) = text.halves(at: ": ")
    switch (kind, reason.isEmpty) {
    case ("pass", true): self = .pass
    case ("passes as corrected", false): self = .corrected(reason)
    case ("out of scope", false): self = .outOfScope(reason)
    case ("fails", false): self = .failure(reason)
    default: return nil
    }
  }

  var text: String {
    switch self {
    case .pass: "pass"
    case .corrected(let how): "passes as corrected: \(how)"
    case .outOfScope(let what): "out of scope: \(what)"
    case .failure(let reason): "fails: \(reason)"
    }
  }
}

extension StringProtocol {
  /// What stands before and after the first separator; the second is empty where there is none.
  fileprivate func halves(at separator: String) -> (String, String) {
    guard let range = range(of: separator) else { return (String(self), "") }
    return (String(self[..<range.lowerBound]), String(self[range.upperBound...]))
  }
}
