import Datasets
import Reporting
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

extension Provenance {
  /// What tells data apart, wherever they lie: how much there is, and a fingerprint of names, sizes and bytes (of at most 64
  /// files, and of pieces of long ones).
  ///
  /// - Throws: ``SnugError/dataset(_:)`` where a file can't be read.
  static func data(_ path: String) throws(SnugError) -> String {
    let content = try SnugError.wrapping(SnugError.dataset, try DataContent(path: path))
    var whole = content.listing
    for sample in content.samples { whole.combine("\(sample.name) \(sample.bytes)") }
    let bytes = content.files.reduce(0) { $0 &+ $1.byteCount }
    let count = content.files.count
    return "\(count) file\(count == 1 ? "" : "s") of \(bytes) bytes, fingerprint \(whole)"
  }

  /// What a conversion of a model writes into the file of where it comes from.
  ///
  /// - Throws: ``SnugError`` where model or data can't be read.
  static func sources(of model: ModelFile, data: String?) throws(SnugError) -> JSONValue {
    [
      "model": .array(try FileHash.identities(ofModel: model.path).map(\.json)),
      "data": try data.map { (path) throws(SnugError) in .string(try Self.data(path)) } ?? .null,
    ]
  }
}
