import TensorCore

/// Why a training can't be saved, or not be resumed.
public enum CheckpointError: Error, Sendable, Hashable {
  /// The operating system refused to open, read or write.
  case file(FileError)
  /// Another training writes its states to the folder; `process` is its process id, where that is known.
  case inUse(folder: String, process: Int?)
  /// The path names a pipe or device, which has no size to check.
  case notRegularFile(path: String)
  /// The file is not a checkpoint.
  case foreign(path: String)
  /// The format has a version other than the one that this program reads.
  case version(path: String, found: Int64, supported: Int64)
  /// The file holds fewer bytes than its header announces.
  case truncated(path: String, needed: Int, available: Int)
  /// The file holds more bytes than its header announces.
  case tooLong(path: String, needed: Int, available: Int)
  /// The checksum of the bytes is not the stored one.
  case corrupt(path: String)
  /// The header is not JSON.
  case header(path: String, JSONError)
  /// A field of the header is missing, or has an impossible type or value.
  case malformed(path: String, field: String)
  /// An array holds NaN or an infinity.
  case nonFinite(path: String, name: String, element: Int)
  /// The checkpoint is of a run with other options, another model or other data.
  case otherConfiguration(path: String, [Difference])
  /// The checkpoint lacks an array of this model.
  case missingArray(path: String, name: String)
  /// The checkpoint has an array that this model lacks.
  case unexpectedArray(path: String, name: String)
  /// An array of the checkpoint has another number of elements than that of this model.
  case arrayLength(path: String, name: String, expected: Int, actual: Int)

  /// A member of the configuration that differs; a side that lacks it is `nil`.
  public struct Difference: Sendable, Hashable {
    public var key: String
    public var saved: JSONValue?
    public var given: JSONValue?
  }
}

extension CheckpointError {
  /// Whether an output can't be written, rather than an input not be used.
  public var isOutput: Bool {
    if case .file(let error) = self { error.operation == .write } else { false }
  }

  /// Runs `body` and wraps what the file system throws.
  static func wrapping<T>(_ body: () throws(FileError) -> T) throws(CheckpointError) -> T {
    do { return try body() } catch { throw .file(error) }
  }

  /// The value of an expression, with what the file system throws wrapped.
  static func wrapping<T>(_ value: @autoclosure () throws(FileError) -> T) throws(CheckpointError)
    -> T
  {
    do { return try value() } catch { throw .file(error) }
  }
}

extension CheckpointError: CustomStringConvertible {
  /// One line that names the file and says what to do.
  public var description: String {
    switch self {
    case .file(let error): "\(error)"
    case .inUse(let folder, let process):
      "\(folder): is in use by another training\(process.map { ", process \($0)" } ?? ""); wait for its end, or "
        + "name another folder"
    case .notRegularFile(let path): "\(path): is not a regular file; name the checkpoint itself"
    case .foreign(let path):
      "\(path): is not a training checkpoint; move it away, or name another folder"
    case .version(let path, let found, let supported):
      "\(path): has format version \(found), this program reads \(supported); resume with the "
        + "program that wrote it, or start anew in another folder"
    case .truncated(let path, let needed, let available):
      "\(path): is truncated: \(needed) bytes are needed, \(available) are there; copy it again, or "
        + "remove it to start anew"
    case .tooLong(let path, let needed, let available):
      "\(path): holds \(available) bytes where \(needed) are expected; copy it again, or remove it to "
        + "start anew"
    case .corrupt(let path):
      "\(path): is corrupt: its checksum doesn't match; copy it again, or remove it to start anew"
    case .header(let path, let error):
      "\(path): is corrupt: its header is no JSON: \(error); copy it again, or remove it to start anew"
    case .malformed(let path, let field):
      "\(path): is corrupt: '\(field.singleLine)' of its header is missing or invalid; copy it again, or "
        + "remove it to start anew"
    case .nonFinite(let path, let name, let element):
      "\(path): is corrupt: '\(name.singleLine)' holds NaN or an infinity at element \(element); copy it "
        + "again, or remove it to start anew"
    case .otherConfiguration(let path, let differences):
      "\(path): is of another run: \(Self.list(differences)); give the same options to resume it, or "
        + "another folder to start anew"
    case .missingArray(let path, let name):
      "\(path): is of another model: it lacks '\(name.singleLine)'; give that model, or another folder"
    case .unexpectedArray(let path, let name):
      "\(path): is of another model: it holds '\(name.singleLine)'; give that model, or another folder"
    case .arrayLength(let path, let name, let expected, let actual):
      "\(path): is of another model: '\(name.singleLine)' has \(actual) elements where \(expected) are "
        + "needed; give that model, or another folder"
    }
  }

  private static func list(_ differences: [Difference]) -> String {
    func text(_ value: JSONValue?) -> String { value?.text().singleLine ?? "nothing" }
    let items = differences.prefix(4).map {
      "'\($0.key.singleLine)' was \(text($0.saved)), now \(text($0.given))"
    }
    return items.joined(separator: ", ")
      + (differences.count > 4 ? " and \(differences.count - 4) more" : "")
  }
}
