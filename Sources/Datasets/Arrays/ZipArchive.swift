import CZlib
import TensorCore

/// The entries of a zip file (PKWARE APPNOTE 6.3), as `numpy.savez` writes them: stored or deflated,
/// with or without zip64.
struct ZipArchive: Sendable {
  struct Entry: Sendable {
    var name: String
    var isDeflated: Bool
    var checksum: UInt32
    var compressedSize: Int
    var size: Int
    var headerOffset: Int
  }

  let file: DataFile
  let entries: [Entry]

  /// Reads the central directory, and checks its sizes and offsets against the file.
  init(_ file: DataFile) throws(DatasetError) {
    self.file = file
    let directory = try Self.locateDirectory(in: file)
    let bytes = ByteReader(
      try file.bytes(at: directory.lowerBound, count: directory.count), path: file.path)
    var entries: [Entry] = []
    var at = 0
    while at < bytes.count {
      guard try bytes.uint32(at) == 0x0201_4B50 else {
        throw Self.malformed(file, "central directory entry \(entries.count)", "a signature")
      }
      let nameLength = try bytes.uint16(at + 28)
      let extraLength = try bytes.uint16(at + 30)
      let name = try bytes.string(at + 46, count: nameLength)
      let flags = try bytes.uint16(at + 8)
      let method = try bytes.uint16(at + 10)
      guard flags & 1 == 0 else {
        throw .unsupported(path: file.path, format: .npz, feature: "the encrypted entry '\(name)'")
      }
      guard method == 0 || method == 8 else {
        throw .unsupported(
          path: file.path, format: .npz, feature: "compression method \(method) of '\(name)'")
      }
      var entry = Entry(
        name: name, isDeflated: method == 8, checksum: UInt32(try bytes.uint32(at + 16)),
        compressedSize: try bytes.uint32(at + 20), size: try bytes.uint32(at + 24),
        headerOffset: try bytes.uint32(at + 42))
      let extra = at + 46 + nameLength
      try Self.applyZip64(bytes, extra..<extra + extraLength, to: &entry)
      entries.append(entry)
      at = extra + extraLength + (try bytes.uint16(at + 32))
    }
    self.entries = entries
  }

  /// Opens the content of an entry, which is read or inflated on demand.
  ///
  /// - Throws: ``DatasetError``, also where the content doesn't match its checksum; that of a deflated entry is
  ///   compared once all of it has been read.
  func content(of entry: Entry) throws(DatasetError) -> ByteSource {
    let header = ByteReader(try file.bytes(at: entry.headerOffset, count: 30), path: file.path)
    guard try header.uint32(0) == 0x0403_4B50 else {
      throw Self.malformed(file, "local header of '\(entry.name)'", "a signature")
    }
    let start =
      entry.headerOffset + 30 + (try header.uint16(26)) + (try header.uint16(28))
    guard start <= file.size, entry.compressedSize <= file.size - start else {
      throw .truncated(
        path: file.path, needed: start.addingReportingOverflow(entry.compressedSize).partialValue,
        available: file.size)
    }
    if entry.isDeflated {
      let bytes = try InflatedBytes(
        .file(file, offset: start, count: entry.compressedSize), .raw, count: entry.size,
        checksum: entry.checksum, path: file.path)
      return .inflated(bytes, offset: 0, count: bytes.count)
    }
    guard entry.compressedSize == entry.size else {
      throw Self.malformed(file, "size of the stored entry '\(entry.name)'", "\(entry.size)")
    }
    let source = ByteSource.file(file, offset: start, count: entry.size)
    guard try Self.checksum(source) == entry.checksum else {
      throw Self.malformed(file, "checksum of '\(entry.name)'", "that of its content")
    }
    return source
  }

  // MARK: Structure

  /// The range of the central directory in the file, from the end record.
  private static func locateDirectory(in file: DataFile) throws(DatasetError) -> Range<Int> {
    // The end record has 22 bytes and a comment of at most 65,535.
    let tailStart = max(0, file.size - 65_557)
    let tail = ByteReader(
      try file.bytes(at: tailStart, count: file.size - tailStart), path: file.path)
    guard file.size >= 22 else {
      throw .truncated(path: file.path, needed: 22, available: file.size)
    }
    var end = tail.count - 22
    while try tail.uint32(end) != 0x0605_4B50 {
      guard end > 0 else { throw malformed(file, "end record", "at the end of the file") }
      end -= 1
    }
    var size = try tail.uint32(end + 12)
    var offset = try tail.uint32(end + 16)
    if size == 0xFFFF_FFFF || offset == 0xFFFF_FFFF, end >= 20,
      try tail.uint32(end - 20) == 0x0706_4B50
    {
      let at = try tail.uint64(end - 12)
      let record = ByteReader(try file.bytes(at: at, count: 56), path: file.path)
      guard try record.uint32(0) == 0x0606_4B50 else {
        throw malformed(file, "zip64 end record", "a signature")
      }
      size = try record.uint64(40)
      offset = try record.uint64(48)
    }
    guard offset <= file.size, size <= file.size - offset else {
      throw malformed(file, "central directory", "inside the file")
    }
    return offset..<offset + size
  }

  /// Takes the 64-bit sizes and offset from extra field 1 where the 32-bit ones are saturated.
  private static func applyZip64(
    _ bytes: ByteReader, _ range: Range<Int>, to entry: inout Entry
  ) throws(DatasetError) {
    var at = range.lowerBound
    while at + 4 <= range.upperBound {
      let length = try bytes.uint16(at + 2)
      if try bytes.uint16(at) == 1 {
        var field = at + 4
        for path in [\Entry.size, \Entry.compressedSize, \Entry.headerOffset]
        where entry[keyPath: path] == 0xFFFF_FFFF {
          entry[keyPath: path] = try bytes.uint64(field)
          field += 8
        }
        return
      }
      at += 4 + length
    }
  }

  private static func checksum(_ source: ByteSource) throws(DatasetError) -> UInt32 {
    var value = crc32(0, nil, 0)
    var at = 0
    while at < source.count {
      let chunk = try source.storage(at..<min(at + 1 << 20, source.count))
      value = chunk.withBytes {
        crc32(value, $0.bindMemory(to: UInt8.self).baseAddress, UInt32($0.count))
      }
      at += chunk.bytes.count
    }
    return UInt32(truncatingIfNeeded: value)
  }

  private static func malformed(
    _ file: DataFile, _ field: String, _ expected: String
  ) -> DatasetError {
    .malformed(
      path: file.path, format: .npz, field: field, expected: expected, actual: "something else")
  }
}

/// Reads numbers from a byte buffer, little-endian unless named otherwise, with every access checked.
struct ByteReader {
  private let storage: TensorStorage
  private let path: String

  init(_ storage: TensorStorage, path: String) {
    self.storage = storage
    self.path = path
  }

  var count: Int { storage.bytes.count }

  func uint16(_ offset: Int) throws(DatasetError) -> Int {
    Int(UInt16(littleEndian: try load(offset)))
  }
  func uint32(_ offset: Int) throws(DatasetError) -> Int {
    Int(UInt32(littleEndian: try load(offset)))
  }
  /// A 64-bit number, clamped to `Int.max`, which no later check against a file's size lets pass.
  func uint64(_ offset: Int) throws(DatasetError) -> Int {
    Int(clamping: UInt64(littleEndian: try load(offset)))
  }
  func bigEndianUInt32(_ offset: Int) throws(DatasetError) -> Int {
    Int(UInt32(bigEndian: try load(offset)))
  }

  func string(_ offset: Int, count: Int) throws(DatasetError) -> String {
    try check(offset, count)
    return storage.withBytes { String(decoding: $0[offset..<offset + count], as: UTF8.self) }
  }

  private func load<T: FixedWidthInteger & BitwiseCopyable>(
    _ offset: Int
  ) throws(DatasetError) -> T {
    try check(offset, MemoryLayout<T>.size)
    return storage.withBytes { $0.loadUnaligned(fromByteOffset: offset, as: T.self) }
  }

  private func check(_ offset: Int, _ count: Int) throws(DatasetError) {
    guard offset >= 0, count >= 0, offset <= self.count, count <= self.count - offset else {
      throw .truncated(
        path: path, needed: offset.addingReportingOverflow(count).partialValue,
        available: self.count)
    }
  }
}
