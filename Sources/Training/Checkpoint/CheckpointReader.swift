import TensorCore

/// Reads a checkpoint, which it doesn't trust: sizes are checked before anything is allocated, and the
/// checksum before anything is restored.
struct CheckpointReader {
  let header: CheckpointHeader
  let entries: [CheckpointHeader.Entry]
  private let file: InputFile
  private let headerLength: Int

  /// A bound on the bytes of a header, above what a list of arrays and options takes.
  private static let headerLimit = 1 << 26
  private static let piece = 1 << 20

  /// Opens a checkpoint and verifies all of it.
  ///
  /// - Throws: ``CheckpointError`` where it can't be read, is no checkpoint, or is damaged.
  init(path: String) throws(CheckpointError) {
    let file = try CheckpointError.wrapping(try InputFile(path: path))
    guard let size = file.size else { throw .notRegularFile(path: path) }
    let prefix = try Self.bytes(CheckpointWriter.prefixLength, of: file)
    let magic = CheckpointWriter.magic
    guard prefix.starts(with: magic) else {
      // A copy that broke off may leave a part of the first bytes.
      guard prefix.isEmpty || magic.starts(with: prefix) else { throw .foreign(path: path) }
      throw .truncated(path: path, needed: CheckpointWriter.prefixLength, available: size)
    }
    guard prefix.count == CheckpointWriter.prefixLength else {
      throw .truncated(path: path, needed: CheckpointWriter.prefixLength, available: size)
    }
    let claimed = prefix.dropFirst(magic.count).reversed().reduce(UInt64(0)) {
      $0 << 8 | UInt64($1)
    }
    guard claimed <= UInt64(Self.headerLimit) else {
      throw .malformed(path: path, field: "header length")
    }
    let headerLength = Int(claimed)
    let start = CheckpointWriter.prefixLength + headerLength
    guard size >= start + CheckpointWriter.suffixLength else {
      throw .truncated(
        path: path, needed: start + CheckpointWriter.suffixLength, available: size)
    }
    let text = try Self.bytes(headerLength, of: file)
    let json: JSONValue
    do {
      json = try JSONValue(parsing: text)
    } catch {
      throw .header(path: path, error)
    }
    (header, entries) = try CheckpointHeader.decode(json, path: path)
    let needed = try Self.size(entries, after: start, path: path)
    guard size >= needed else { throw .truncated(path: path, needed: needed, available: size) }
    guard size == needed else { throw .tooLong(path: path, needed: needed, available: size) }
    self.file = file
    self.headerLength = headerLength
    try verifyChecksum(size: size)
  }

  /// The differences between the saved configuration and another one, in the order of their keys.
  func differences(from given: JSONValue) -> [CheckpointError.Difference] {
    let keys = Set(
      [header.configuration, given].flatMap { ($0.objectValue ?? []).map(\.key) })
    return keys.sorted().compactMap { key in
      let (saved, given) = (header.configuration[key], given[key])
      // Compared as text, since a number that isn't finite is saved as null.
      return saved?.encoded() == given?.encoded()
        ? nil : CheckpointError.Difference(key: key, saved: saved, given: given)
    }
  }

  /// Fills the arrays, found by their names; nothing is written before all of them fit.
  ///
  /// - Throws: ``CheckpointError`` where names or lengths differ, or the file can't be read.
  func read(into arrays: [NamedArray]) throws(CheckpointError) {
    let path = file.path
    var targets: [String: UnsafeMutableBufferPointer<Float>] = [:]
    for array in arrays {
      precondition(targets[array.name] == nil, "two arrays are called \(array.name)")
      targets[array.name] = array.values
    }
    var unread = Set(targets.keys)
    for entry in entries {
      guard let target = targets[entry.name], unread.remove(entry.name) != nil else {
        throw .unexpectedArray(path: path, name: entry.name)
      }
      guard target.count == entry.count else {
        throw .arrayLength(
          path: path, name: entry.name, expected: target.count, actual: entry.count)
      }
    }
    if let name = unread.min() { throw .missingArray(path: path, name: name) }

    try CheckpointError.wrapping(try file.rewind())
    _ = try Self.bytes(CheckpointWriter.prefixLength + headerLength, of: file)
    for entry in entries {
      guard let target = targets[entry.name] else { continue }
      let bytes = UnsafeMutableRawBufferPointer(target)
      let count = try CheckpointError.wrapping(try file.read(into: bytes))
      guard count == bytes.count else {
        throw .truncated(path: path, needed: bytes.count, available: count)
      }
    }
  }

  /// The bytes that a file with these arrays takes.
  private static func size(
    _ entries: [CheckpointHeader.Entry], after start: Int, path: String
  ) throws(CheckpointError) -> Int {
    var size = start + CheckpointWriter.suffixLength
    for entry in entries {
      let (bytes, tooMany) = entry.count.multipliedReportingOverflow(
        by: MemoryLayout<Float>.stride)
      let (sum, overflow) = size.addingReportingOverflow(bytes)
      guard !tooMany, !overflow else { throw .malformed(path: path, field: "arrays") }
      size = sum
    }
    return size
  }

  /// The next `count` bytes of a file; fewer only at its end.
  private static func bytes(_ count: Int, of file: InputFile) throws(CheckpointError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    let read = try CheckpointError.wrapping(
      try bytes.withUnsafeMutableBufferPointer { (buffer) throws(FileError) in
        try file.read(into: UnsafeMutableRawBufferPointer(buffer))
      })
    bytes.removeLast(count - read)
    return bytes
  }

  /// Reads the whole file once and compares its checksum.
  private func verifyChecksum(size: Int) throws(CheckpointError) {
    try CheckpointError.wrapping(try file.rewind())
    var checksum = Checksum()
    var rest = size - CheckpointWriter.suffixLength
    while rest > 0 {
      let piece = try Self.bytes(min(rest, Self.piece), of: file)
      guard !piece.isEmpty else {
        throw .truncated(path: file.path, needed: size, available: size - rest)
      }
      piece.withUnsafeBytes { checksum.update($0) }
      rest -= piece.count
    }
    let stored = try Self.bytes(CheckpointWriter.suffixLength, of: file)
    guard stored == checksum.littleEndianBytes else { throw .corrupt(path: file.path) }
  }
}
