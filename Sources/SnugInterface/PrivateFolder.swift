import Snug
import TensorCore

/// A folder for files that no one else is to see, removed with everything in it.
final class PrivateFolder: Sendable {
  let path: String

  private static let (prefix, digits) = ("/snug-", "XXXXXX")

  private static var parent: String {
    let given = getenv("TMPDIR").map { String(cString: $0) } ?? ""
    return given.isEmpty ? "/tmp" : given
  }

  /// A text for the caller, in which files of such folders go by their names alone.
  static func hidden(in text: String) -> String {
    let parts = text.split(separator: parent + prefix, omittingEmptySubsequences: false)
    return parts.dropFirst().reduce(String(parts[0])) { text, part in
      let rest = part.dropFirst(digits.count)
      return text + (rest.hasPrefix("/") ? String(rest.dropFirst()) : parent + prefix + part)
    }
  }

  /// - Throws: ``SnugError/file(_:)`` where it can't be made.
  init() throws(SnugError) {
    let pattern = Self.parent + Self.prefix + Self.digits
    var bytes = pattern.utf8CString
    let made = bytes.withUnsafeMutableBufferPointer { buffer in
      buffer.baseAddress.flatMap { mkdtemp($0) }.map { String(cString: $0) }
    }
    guard let made else { throw .file(FileError(.write, pattern, code: errno)) }
    path = made
  }

  deinit {
    // Only files of this library lie there, none in folders of their own.
    if let stream = opendir(path) {
      while let entry = readdir(stream) {
        let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
          String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        if name != ".", name != ".." { unlink(path + "/" + name) }
      }
      closedir(stream)
    }
    rmdir(path)
  }

  func path(of name: String) -> String { path + "/" + name }
}
