import CZlib
import TensorCore

/// Reads the content of a deflate stream from front to back.
final class InflateStream {
  enum Wrapper {
    /// There is no header, as in zip.
    case raw
    /// There are one or more gzip members.
    case gzip

    fileprivate var windowBits: Int32 { self == .raw ? -15 : 31 }
    var format: DataFormat { self == .raw ? .npz : .gzip }
  }

  private let source: ByteSource
  private let wrapper: Wrapper
  private let path: String
  /// Allocated apart from this object, since zlib keeps its address.
  private let memory = ScratchBuffer(count: 1, repeating: z_stream())
  private var stream: UnsafeMutablePointer<z_stream> { memory.pointer }
  /// A part of the compressed bytes.
  private let window: ScratchBuffer<UInt8>
  private var consumed = 0
  private var isAtEnd = false

  private static let windowSize = 1 << 16

  init(_ source: ByteSource, _ wrapper: Wrapper, path: String) throws(DatasetError) {
    self.source = source
    self.wrapper = wrapper
    self.path = path
    window = ScratchBuffer(uninitializedCount: Self.windowSize)
    let status = inflateInit2_(
      stream, wrapper.windowBits, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
    guard status == Z_OK else {
      throw .codec(path: path, format: wrapper.format, message: "zlib can't start")
    }
  }

  deinit {
    inflateEnd(stream)
  }

  /// Fills `buffer` with the next bytes.
  ///
  /// - Returns: the number of bytes; fewer than `buffer.count` only at the end of the content.
  func read(into buffer: UnsafeMutableRawBufferPointer) throws(DatasetError) -> Int {
    var produced = 0
    while produced < buffer.count, !isAtEnd, let base = buffer.baseAddress {
      if stream.pointee.avail_in == 0 { try refill() }
      // zlib counts in 32 bits.
      let step = min(buffer.count - produced, 1 << 30)
      stream.pointee.next_out = (base + produced).assumingMemoryBound(to: UInt8.self)
      stream.pointee.avail_out = UInt32(step)
      let hadInput = stream.pointee.avail_in > 0
      let status = inflate(stream, Z_NO_FLUSH)
      produced += step - Int(stream.pointee.avail_out)
      switch status {
      case Z_STREAM_END: try endMember()
      case Z_OK: break
      case Z_BUF_ERROR where hadInput: break
      case Z_BUF_ERROR:
        throw .truncated(path: path, needed: source.count + 1, available: source.count)
      default:
        let message = stream.pointee.msg.map { String(cString: $0) } ?? "zlib error \(status)"
        throw .codec(path: path, format: wrapper.format, message: message)
      }
    }
    return produced
  }

  /// Reads and discards the next `count` bytes, or those that are left.
  func skip(_ count: Int) throws(DatasetError) {
    let scratch = UnsafeMutableRawBufferPointer.allocate(
      byteCount: min(max(count, 1), Self.windowSize * 4), alignment: 16)
    defer { scratch.deallocate() }
    var rest = count
    while rest > 0 {
      let part = UnsafeMutableRawBufferPointer(rebasing: scratch[..<min(rest, scratch.count)])
      let produced = try read(into: part)
      rest -= produced
      if produced < part.count { return }
    }
  }

  private func refill() throws(DatasetError) {
    let count = min(window.elements.count, source.count - consumed)
    guard count > 0 else { return }
    try source.read(
      at: consumed, into: UnsafeMutableRawBufferPointer(start: window.pointer, count: count))
    consumed += count
    stream.pointee.next_in = window.pointer
    stream.pointee.avail_in = UInt32(count)
  }

  /// Continues with the next gzip member, where there is one.
  private func endMember() throws(DatasetError) {
    if stream.pointee.avail_in == 0 { try refill() }
    let hasMore = wrapper == .gzip && stream.pointee.avail_in > 0
    isAtEnd = !hasMore || inflateReset(stream) != Z_OK
  }
}
