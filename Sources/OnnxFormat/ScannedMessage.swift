import TensorCore

/// A serialized message after the scan, before protobuf-c decodes it.
struct ScannedMessage {
  /// The message with the data of tensors replaced by ``BlobReference``s in `raw_data`.
  var skeleton: [UInt8]
  /// The data of tensors, in the order of the file.
  var blobs: [TensorStorage]
}

/// The content of `raw_data` in a skeleton: the index of the data that was taken out, and the field that held it.
struct BlobReference {
  static let byteCount = 5

  let field: DataField
  let index: Int

  init(_ field: DataField, index: Int) {
    self.field = field
    self.index = index
  }

  /// Decodes a reference; gives `nil` where the bytes are none.
  init?(_ bytes: UnsafeBufferPointer<UInt8>) {
    guard bytes.count == Self.byteCount, let field = DataField(number: UInt32(bytes[0])) else {
      return nil
    }
    self.field = field
    index = bytes[1...].reversed().reduce(0) { $0 << 8 | Int($1) }
  }

  var bytes: [UInt8] {
    [UInt8(field.number)] + (0..<4).map { UInt8(truncatingIfNeeded: index >> (8 * $0)) }
  }
}
