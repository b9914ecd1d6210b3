import TensorCore

/// Writes checkpoints:
///
/// | bytes | content |
/// | --- | --- |
/// | 8 | `89 53 4E 55 47 53 54 0A` (the first byte and the line feed show damage by a text-mode copy) |
/// | 8 | length of the header, unsigned, little-endian |
/// | length | header: JSON in UTF-8, followed by blanks up to a multiple of 64 bytes in the file |
/// | 4 each | the elements of the arrays in the order of the header: float32, little-endian |
/// | 4 | CRC-32 of all that precedes, little-endian |
enum CheckpointWriter {
  static let magic: [UInt8] = [0x89, 0x53, 0x4E, 0x55, 0x47, 0x53, 0x54, 0x0A]

  /// The number of bytes before the header.
  static let prefixLength = 16
  /// The number of bytes after the arrays.
  static let suffixLength = 4
  private static let alignment = 64

  /// Writes a whole checkpoint; whatever was at the path stays until it is complete.
  ///
  /// - Throws: ``CheckpointError/file(_:)``.
  static func write(
    _ header: CheckpointHeader, _ arrays: [NamedArray], to path: String
  ) throws(CheckpointError) {
    let entries = arrays.map { CheckpointHeader.Entry(name: $0.name, count: $0.values.count) }
    var text = header.json(entries).encoded()
    let end = prefixLength + text.count
    let padding = (alignment - end % alignment) % alignment
    text.append(contentsOf: repeatElement(UInt8(ascii: " "), count: padding))
    let length = withUnsafeBytes(of: UInt64(text.count).littleEndian) { Array($0) }
    try CheckpointError.wrapping { () throws(FileError) in
      var file = try AtomicFile(replacing: path)
      var checksum = Checksum()
      let start = magic + length + text
      start.withUnsafeBytes { checksum.update($0) }
      try file.write(start)
      for array in arrays {
        let bytes = UnsafeRawBufferPointer(array.values)
        checksum.update(bytes)
        try file.write(bytes)
      }
      try file.write(checksum.littleEndianBytes)
      try file.commit()
    }
  }
}
