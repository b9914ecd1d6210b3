import COnnxProto
import TensorCore

/// Tensor data in files beside the model, which are read on demand.
///
/// Files are opened only below the model's folder, whatever the model says. If one is cut short later, the process
/// ends, as for the model's own file: ``InputFile/endProcessAsChanged()``.
final class ExternalData {
  /// The model's folder; `nil` for a model that came as bytes.
  private let folder: String?
  private var files: [String: InputFile] = [:]
  /// The paths of all files that were opened.
  private(set) var paths: Set<String> = []

  /// The largest number of files that stay open until their tensors are gone, well below what a process may have.
  /// Those beyond it, in models with a file for each tensor, are read at once.
  private static let openFileLimit = 256

  init(folder: String?) { self.folder = folder }

  /// The data that the `external_data` entries of a tensor describe.
  func storage(_ message: TensorDecoder.Message, byteCount: Int) throws(TensorFault)
    -> TensorStorage
  {
    do {
      return try region(of: message, byteCount: byteCount)
    } catch {
      throw .external(error)
    }
  }

  private func region(of message: TensorDecoder.Message, byteCount: Int)
    throws(ExternalDataFault) -> TensorStorage
  {
    var entries: [String: String] = [:]
    for entry in messages(message.pointee.external_data, message.pointee.n_external_data) {
      entries[text(entry.pointee.key)] = text(entry.pointee.value)
    }
    guard let location = entries["location"], !location.isEmpty else { throw .noLocation }
    let offset = try Self.number("offset", entries) ?? 0
    if let length = try Self.number("length", entries), length != byteCount {
      throw .length(expected: byteCount, actual: length)
    }
    if byteCount == 0 { return TensorStorage(byteCount: 0) { _ in } }
    let file = try file(at: location)
    let size = file.size ?? 0
    guard offset <= size, byteCount <= size - offset else {
      throw .pastEnd(location: location, offset: offset, length: byteCount, fileSize: size)
    }
    let fill = { @Sendable (buffer: UnsafeMutableRawBufferPointer) in
      guard file.read(into: buffer, at: offset) else { file.endProcessAsChanged() }
    }
    return files[location] == nil
      ? TensorStorage(byteCount: byteCount, initialize: fill)
      : .renewable(byteCount: byteCount, fill: fill)
  }

  private static func number(_ key: String, _ entries: [String: String]) throws(ExternalDataFault)
    -> Int?
  {
    guard let value = entries[key] else { return nil }
    guard let number = Int(value), number >= 0 else { throw .number(key: key, value: value) }
    return number
  }

  private func file(at location: String) throws(ExternalDataFault) -> InputFile {
    if let file = files[location] { return file }
    guard let folder else { throw .noFolder }
    let parts = location.split(separator: "/", omittingEmptySubsequences: false)
    guard !location.hasPrefix("/"), !parts.contains("..") else {
      throw .outsideFolder(location: location)
    }
    do {
      let root = try FilePath.resolved(folder)
      let path = try FilePath.resolved("\(root)/\(location)")
      if path.hasPrefix(root == "/" ? root : root + "/") {
        let file = try InputFile(regularFile: path)
        paths.insert(path)
        if files.count < Self.openFileLimit { files[location] = file }
        return file
      }
    } catch {
      throw .cannotRead(error)
    }
    throw .outsideFolder(location: location)
  }
}
