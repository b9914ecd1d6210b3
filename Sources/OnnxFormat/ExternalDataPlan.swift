import GraphIR
import TensorCore

/// The layout of the file with the tensors of a model that is too large for one protobuf file.
struct ExternalDataPlan {
  /// The file's name, beside the model.
  let location: String
  /// The tensors in the order of the file, each with its offset.
  private(set) var tensors: [(offset: Int, storage: TensorStorage)] = []
  private var end = 0

  /// The size in bytes below which a tensor stays in the model.
  private static let leastBytes = 1024
  /// The alignment of offsets in bytes, with which readers can map the file.
  private static let alignment = 4096

  init(location: String) { self.location = location }

  /// Gives a tensor a place and returns the entries that describe it; `nil` where it stays in the model.
  mutating func place(_ tensor: Tensor) -> [KeyValue]? {
    let count = tensor.storage.byteCount
    guard count >= Self.leastBytes else { return nil }
    let offset = (end + Self.alignment - 1) / Self.alignment * Self.alignment
    tensors.append((offset, tensor.storage))
    end = offset + count
    return [
      KeyValue("location", location), KeyValue("offset", "\(offset)"),
      KeyValue("length", "\(count)"),
    ]
  }

  func write(to file: inout AtomicFile) throws(FileError) {
    for (offset, storage) in tensors {
      try file.write([UInt8](repeating: 0, count: offset - file.count))
      try file.write(storage)
    }
  }
}
