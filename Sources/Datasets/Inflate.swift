import CZlib
import TensorCore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Decompression of deflate streams, bounded in memory.
enum Inflate {
  enum Wrapper {
    /// No header, as in zip.
    case raw
    /// One or more gzip members.
    case gzip

    fileprivate var windowBits: Int32 { self == .raw ? -15 : 31 }
  }

  /// The whole decompressed content.
  ///
  /// - Parameter expectedSize: its size where known; any other size is an error.
  static func inflate(
    _ input: TensorStorage, _ wrapper: Wrapper, expectedSize: Int? = nil, path: String
  ) throws(DatasetError) -> TensorStorage {
    try input.withBytes { (bytes) throws(DatasetError) in
      try inflate(bytes, wrapper, expectedSize: expectedSize, path: path)
    }
  }

  private static func inflate(
    _ input: UnsafeRawBufferPointer, _ wrapper: Wrapper, expectedSize: Int?, path: String
  ) throws(DatasetError) -> TensorStorage {
    let format: DataFormat = wrapper == .raw ? .npz : .gzip
    // Deflate can't expand more than 1032 times, so a larger claim is false.
    let (bound, overflow) = input.count.multipliedReportingOverflow(by: 1032)
    let most = min(overflow ? .max : bound, MemoryLimit.bytes)
    if let expectedSize, expectedSize > most {
      try MemoryLimit.check(expectedSize, path: path)
      throw .malformed(
        path: path, format: format, field: "uncompressed size", expected: "at most \(most)",
        actual: "\(expectedSize)")
    }

    var stream = z_stream()
    guard
      inflateInit2_(
        &stream, wrapper.windowBits, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
    else { throw .codec(path: path, format: format, message: "zlib can't start") }
    defer { inflateEnd(&stream) }

    var capacity = max(expectedSize ?? min(max(input.count * 4, 1 << 16), most), 1)
    guard var memory = malloc(capacity) else {
      throw .tooLarge(path: path, bytes: capacity, limit: MemoryLimit.bytes)
    }
    var succeeded = false
    defer { if !succeeded { free(memory) } }
    var produced = 0
    var consumed = 0
    while true {
      // zlib counts in 32 bits.
      let inputStep = min(input.count - consumed, 1 << 30)
      let outputStep = min(capacity - produced, 1 << 30)
      stream.next_in = input.baseAddress.map {
        UnsafeMutableRawPointer(mutating: $0 + consumed).assumingMemoryBound(to: UInt8.self)
      }
      stream.avail_in = UInt32(inputStep)
      stream.next_out = (memory + produced).assumingMemoryBound(to: UInt8.self)
      stream.avail_out = UInt32(outputStep)
      let status = CZlib.inflate(&stream, Z_NO_FLUSH)
      consumed += inputStep - Int(stream.avail_in)
      produced += outputStep - Int(stream.avail_out)
      if status == Z_STREAM_END {
        if wrapper == .gzip, consumed < input.count, inflateReset(&stream) == Z_OK { continue }
        break
      }
      guard status == Z_OK || status == Z_BUF_ERROR else {
        let message = stream.msg.map { String(cString: $0) } ?? "zlib error \(status)"
        throw .codec(path: path, format: format, message: message)
      }
      if produced == capacity {
        // With the size known, the end of the stream must come without another byte.
        if let expectedSize, capacity > expectedSize {
          throw .malformed(
            path: path, format: format, field: "uncompressed size", expected: "\(expectedSize)",
            actual: "more")
        }
        let larger = expectedSize == nil ? min(capacity * 2, most) : capacity + 1
        guard larger > capacity, let moved = realloc(memory, larger) else {
          throw .tooLarge(path: path, bytes: larger, limit: most)
        }
        memory = moved
        capacity = larger
      } else if consumed == input.count {
        throw .truncated(path: path, needed: input.count + 1, available: input.count)
      }
    }
    if let expectedSize, produced != expectedSize {
      throw .malformed(
        path: path, format: format, field: "uncompressed size", expected: "\(expectedSize)",
        actual: "\(produced)")
    }
    succeeded = true
    return TensorStorage(
      adopting: UnsafeRawBufferPointer(start: memory, count: produced)
    ) { bytes in free(UnsafeMutableRawPointer(mutating: bytes.baseAddress)) }
  }
}
