import CZlib
import TensorCore

/// Writes `.npz` files whose entries are stored, as `numpy.savez` does.
enum StoredArchive {
  /// Writes arrays under their names.
  ///
  /// - Throws: ``DatasetError`` where the arrays take 4 GiB or more, or the file can't be written.
  static func write(_ arrays: [(name: String, tensor: Tensor)], to path: String)
    throws(DatasetError)
  {
    var file: [UInt8] = []
    var directory: [UInt8] = []
    for (name, tensor) in arrays {
      var content = NpyHeader(elementType: tensor.elementType, shape: tensor.shape).encoded()
      tensor.storage.withBytes { content.append(contentsOf: $0) }
      guard file.count + content.count < Int(UInt32.max) - 1 << 20 else {
        throw .tooLarge(path: path, bytes: file.count + content.count, limit: Int(UInt32.max))
      }
      let entry = Array((name + ".npy").utf8)
      let offset = file.count
      // Bit 11 says that the name is UTF-8.
      var common = bytes(UInt16(20), UInt16(1 << 11), UInt16(0), UInt16(0), UInt16(0))
      let checksum = content.withUnsafeBufferPointer {
        crc32(0, $0.baseAddress, UInt32($0.count))
      }
      common += bytes(UInt32(checksum), UInt32(content.count), UInt32(content.count))
      common += bytes(UInt16(entry.count), UInt16(0))
      file += bytes(UInt32(0x0403_4B50)) + common + entry + content
      directory += bytes(UInt32(0x0201_4B50)) + bytes(UInt16(20)) + common
      directory += bytes(UInt16(0), UInt16(0), UInt16(0)) + bytes(UInt32(0), UInt32(offset))
      directory += entry
    }
    let count = UInt16(arrays.count)
    let end =
      bytes(UInt32(0x0605_4B50), UInt32(0)) + bytes(count, count)
      + bytes(UInt32(directory.count), UInt32(file.count)) + bytes(UInt16(0))
    try NewFile(path).append(file + directory + end)
  }

  /// Numbers in little-endian order.
  private static func bytes<T: FixedWidthInteger>(_ values: T...) -> [UInt8] {
    values.flatMap { value in withUnsafeBytes(of: value.littleEndian) { Array($0) } }
  }
}
