import COnnxProto
import TensorCore

/// Tensor data in files beside the model, mapped when first asked for.
///
/// The files are opened only below the model's folder, whatever the model says.
final class ExternalData {
  /// The model's folder, or `nil` for a model that came as bytes.
  private let folder: String?
  private var files: [String: MappedFile] = [:]

  init(folder: String?) { self.folder = folder }

  /// The data that a tensor's `external_data` entries describe.
  func storage(_ message: TensorDecoder.Message, byteCount: Int) throws(TensorFault)
    -> TensorStorage
  {
    do throws(ExternalDataFault) {
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
    guard offset <= file.bytes.count, byteCount <= file.bytes.count - offset else {
      throw .pastEnd(
        location: location, offset: offset, length: byteCount, fileSize: file.bytes.count)
    }
    // The closure holds the mapping for as long as a tensor shows a part of it.
    return TensorStorage(
      adopting: UnsafeRawBufferPointer(rebasing: file.bytes[offset..<offset + byteCount]),
      discard: { file.discard($0) },
      release: { _ in withExtendedLifetime(file) {} })
  }

  private static func number(_ key: String, _ entries: [String: String]) throws(ExternalDataFault)
    -> Int?
  {
    guard let value = entries[key] else { return nil }
    guard let number = Int(value), number >= 0 else { throw .number(key: key, value: value) }
    return number
  }

  private func file(at location: String) throws(ExternalDataFault) -> MappedFile {
    if let file = files[location] { return file }
    guard let folder else { throw .noFolder }
    let parts = location.split(separator: "/", omittingEmptySubsequences: false)
    guard !location.hasPrefix("/"), !parts.contains("..") else {
      throw .outsideFolder(location: location)
    }
    do throws(FileError) {
      let root = try FilePath.resolved(folder)
      let path = try FilePath.resolved("\(root)/\(location)")
      if path.hasPrefix(root == "/" ? root : root + "/") {
        let file = try MappedFile(path: path)
        files[location] = file
        return file
      }
    } catch {
      throw .cannotRead(error)
    }
    throw .outsideFolder(location: location)
  }
}
