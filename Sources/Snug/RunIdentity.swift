import Datasets
import TensorCore

extension ModelFile {
  /// The fingerprint of the file's bytes, by which a run that is resumed knows its model.
  var fingerprint: JSONValue {
    get throws(SnugError) {
      var bytes = Fingerprint()
      bytes.combine(try SnugError.wrapping(SnugError.file, try InputFile(path: path).readAll()))
      return .string(bytes.description)
    }
  }
}

extension DataContent {
  /// What the files of the data hold, wherever they lie: a change is then reported by the file's name.
  ///
  /// - Throws: ``SnugError/dataset(_:)`` where a file can't be read.
  static func members(of path: String?, as key: String) throws(SnugError) -> [JSONMember] {
    guard let path else { return [JSONMember(key, .string(""))] }
    let content = try SnugError.wrapping(SnugError.dataset, try DataContent(path: path))
    let bytes = content.files.reduce(0) { $0 &+ $1.byteCount }
    let count = content.files.count
    let listing = "\(count) file\(count == 1 ? "" : "s") of \(bytes) bytes, \(content.listing)"
    return [JSONMember(key, .string(listing))]
      + content.samples.map {
        JSONMember(
          $0.name.isEmpty ? "\(key) content" : "\(key)/\($0.name)",
          .string($0.bytes.description))
      }
  }
}
