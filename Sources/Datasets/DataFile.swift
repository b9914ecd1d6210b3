import TensorCore

/// A regular file, read at given offsets.
///
/// Reads copy rather than map the file, so that a file that shrinks meanwhile causes an error and not a signal.
final class DataFile: Sendable {
  let path: String
  let size: Int
  private let descriptor: Int32

  init(_ path: String) throws(DatasetError) {
    // Opening a pipe must not wait for a writer.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw .file(FileError(.read, path, code: errno)) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      close(descriptor)
      throw .notRegularFile(path: path)
    }
    self.path = path
    self.size = Int(status.st_size)
    self.descriptor = descriptor
  }

  deinit { close(descriptor) }

  /// Fills `buffer` with the bytes at `offset`.
  func read(at offset: Int, into buffer: UnsafeMutableRawBufferPointer) throws(DatasetError) {
    guard let base = buffer.baseAddress else { return }
    var done = 0
    while done < buffer.count {
      let result = pread(descriptor, base + done, buffer.count - done, offset + done)
      if result < 0 && errno == EINTR { continue }
      guard result >= 0 else { throw .file(FileError(.read, path, code: errno)) }
      guard result > 0 else {
        throw .truncated(path: path, needed: offset + buffer.count, available: offset + done)
      }
      done += result
    }
  }

  /// A copy of `count` bytes at `offset`.
  func bytes(at offset: Int, count: Int) throws(DatasetError) -> TensorStorage {
    let (end, overflow) = offset.addingReportingOverflow(count)
    guard offset >= 0, count >= 0, !overflow, end <= size else {
      throw .truncated(path: path, needed: overflow ? .max : end, available: size)
    }
    try MemoryLimit.check(count, path: path)
    return try TensorStorage(byteCount: count) { (buffer) throws(DatasetError) in
      try read(at: offset, into: buffer)
    }
  }

  /// The first bytes of the file, at most `count`.
  func prefix(_ count: Int) throws(DatasetError) -> [UInt8] {
    try bytes(at: 0, count: min(count, size)).withBytes { Array($0) }
  }
}

extension TensorStorage {
  /// Calls `body` with the bytes, which stay valid until it returns.
  func withBytes<R, E: Error>(
    _ body: (UnsafeRawBufferPointer) throws(E) -> R
  ) throws(E) -> R {
    defer { withExtendedLifetime(self) {} }
    return try body(bytes)
  }
}

/// The bytes of one array: in memory, or a part of a file that is read on demand.
enum ByteSource: Sendable {
  case memory(TensorStorage)
  case file(DataFile, offset: Int, count: Int)
  /// Compressed content, which is inflated as far as it is read.
  case inflated(InflatedBytes, offset: Int, count: Int)

  var count: Int {
    switch self {
    case .memory(let storage): storage.bytes.count
    case .file(_, _, let count), .inflated(_, _, let count): count
    }
  }

  /// Fills `buffer` with the bytes at `offset`.
  ///
  /// - Precondition: they lie within `count`.
  func read(at offset: Int, into buffer: UnsafeMutableRawBufferPointer) throws(DatasetError) {
    precondition(offset >= 0 && buffer.count <= count - offset, "read outside the array")
    switch self {
    case .memory(let storage):
      storage.withBytes { bytes in
        buffer.copyMemory(
          from: UnsafeRawBufferPointer(rebasing: bytes[offset...].prefix(buffer.count)))
      }
    case .file(let file, let start, _):
      try file.read(at: start + offset, into: buffer)
    case .inflated(let bytes, let start, _):
      try bytes.read(at: start + offset, into: buffer)
    }
  }

  /// The part of `length` bytes from `start` on.
  ///
  /// - Precondition: it lies within `count`.
  func part(_ start: Int, _ length: Int) throws(DatasetError) -> ByteSource {
    precondition(start >= 0 && length <= count - start, "a part outside the array")
    return switch self {
    case .memory: .memory(try storage(start..<start + length))
    case .file(let file, let offset, _): .file(file, offset: offset + start, count: length)
    case .inflated(let bytes, let offset, _):
      .inflated(bytes, offset: offset + start, count: length)
    }
  }

  /// Announces that, of records of `stride` bytes whose first is at `offset`, only those of `indices` will be read.
  func select(_ indices: [Int], at offset: Int = 0, stride: Int) throws(DatasetError) {
    guard case .inflated(let bytes, let start, _) = self else { return }
    try bytes.select(indices, at: start + offset, stride: stride)
  }

  /// A copy of the bytes in `range`.
  func storage(_ range: Range<Int>) throws(DatasetError) -> TensorStorage {
    try TensorStorage(byteCount: range.count) { (buffer) throws(DatasetError) in
      try read(at: range.lowerBound, into: buffer)
    }
  }
}
