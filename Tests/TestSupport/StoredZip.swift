import Foundation

/// Writes a zip file whose entries are stored, as `numpy.savez` does.
package enum StoredZip {
  /// - Parameter entries: names and contents, in order.
  package static func encode(_ entries: [(name: String, content: Data)]) -> Data {
    var file = Data()
    var directory = Data()
    for (name, content) in entries {
      let bytes = Data(name.utf8)
      let offset = file.count
      var common = Data()
      for field in [20, 0, 0, 0, 0] as [UInt16] { append(field, to: &common) }
      append(checksum(content), to: &common)
      append(UInt32(content.count), to: &common)
      append(UInt32(content.count), to: &common)
      append(UInt16(bytes.count), to: &common)
      append(UInt16(0), to: &common)
      append(UInt32(0x0403_4B50), to: &file)
      file += common + bytes + content
      append(UInt32(0x0201_4B50), to: &directory)
      append(UInt16(20), to: &directory)
      directory += common
      append(UInt16(0), to: &directory)
      append(UInt16(0), to: &directory)
      append(UInt16(0), to: &directory)
      append(UInt32(0), to: &directory)
      append(UInt32(offset), to: &directory)
      directory += bytes
    }
    let start = file.count
    file += directory
    append(UInt32(0x0605_4B50), to: &file)
    append(UInt32(0), to: &file)
    append(UInt16(entries.count), to: &file)
    append(UInt16(entries.count), to: &file)
    append(UInt32(directory.count), to: &file)
    append(UInt32(start), to: &file)
    append(UInt16(0), to: &file)
    return file
  }

  private static func append<T: FixedWidthInteger>(_ value: T, to data: inout Data) {
    withUnsafeBytes(of: value.littleEndian) { data.append(contentsOf: $0) }
  }

  /// CRC-32 (ISO 3309), bit by bit.
  private static func checksum(_ data: Data) -> UInt32 {
    var sum = ~UInt32(0)
    for byte in data {
      sum ^= UInt32(byte)
      for _ in 0..<8 {
        let shifted = sum >> 1
        sum = sum & 1 == 1 ? shifted ^ 0xEDB8_8320 : shifted
      }
    }
    return ~sum
  }
}
