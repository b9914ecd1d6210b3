import CZlib

/// CRC-32 over bytes that come in pieces (ISO 3309, as in gzip).
struct Checksum {
  private(set) var value: UInt32 = 0

  mutating func update(_ bytes: UnsafeRawBufferPointer) {
    guard let base = bytes.baseAddress else { return }
    value = UInt32(
      truncatingIfNeeded: crc32_z(
        UInt(value), base.assumingMemoryBound(to: UInt8.self), bytes.count))
  }

  /// The four bytes of the value in a file.
  var littleEndianBytes: [UInt8] {
    withUnsafeBytes(of: value.littleEndian) { Array($0) }
  }
}
