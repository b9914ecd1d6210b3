import CZlib
import Synchronization
import TensorCore

/// The content of a deflate stream, inflated as far as it is asked for.
///
/// Small content is inflated and checked at once. Of larger content, memory holds all from its beginning to the last
/// byte that was read, or only the parts that a reader has announced.
final class InflatedBytes: Sendable {
  /// The number of bytes of the whole content.
  let count: Int
  private let source: ByteSource
  private let wrapper: InflateStream.Wrapper
  private let path: String
  /// The CRC-32 of the content, which can be checked once all of it was inflated.
  private let checksum: UInt32?
  private let content: Mutex<Content>

  private struct Content: ~Copyable {
    /// The stream that continues after ``bytes``; `nil` before the first read.
    nonisolated(unsafe) var stream: InflateStream?
    /// The beginning of the content, and room for more.
    nonisolated(unsafe) var bytes = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    var produced = 0
    var checksum: UInt = crc32(0, nil, 0)
    var selection: Selection?
    /// The fault that was found at the end, which holds for all that precedes it.
    var failure: DatasetError?

    deinit { free(bytes.baseAddress) }
  }

  /// Records of one size, of which some are in memory.
  private struct Selection {
    var offset: Int
    var stride: Int
    /// The place of each record in ``bytes``.
    var slots: [Int: Int]
    var bytes: TensorStorage
  }

  /// The number of bytes that are inflated beyond those requested, so that small reads cost little.
  private static let ahead = 1 << 16

  /// - Parameters:
  ///   - count: the number of bytes of the content, as a header claims.
  ///   - checksum: the content's CRC-32, where something outside the stream states it.
  /// - Throws: ``DatasetError`` where the claim is found to be false, or is beyond ``InflationLimit``.
  init(
    _ source: ByteSource, _ wrapper: InflateStream.Wrapper, count: Int, checksum: UInt32? = nil,
    path: String
  ) throws(DatasetError) {
    try InflationLimit.check(count, from: source.count, path: path)
    self.source = source
    self.wrapper = wrapper
    self.count = count
    self.checksum = checksum
    self.path = path
    content = Mutex(Content())
    guard count <= InflationLimit.eager else { return }
    let result = content.withLock { content in
      Result { () throws(DatasetError) in try inflate(to: count, &content) }
    }
    try result.get()
  }

  /// Fills `buffer` with the bytes at `offset`.
  ///
  /// - Precondition: they lie within `count`.
  func read(at offset: Int, into buffer: UnsafeMutableRawBufferPointer) throws(DatasetError) {
    let result = content.withLock { content in
      Result { () throws(DatasetError) in try read(at: offset, into: buffer, &content) }
    }
    try result.get()
  }

  /// Announces that, of records that begin at `offset`, only those of `indices` will be read.
  ///
  /// Others can still be read, at the price of inflating all that precedes them.
  func select(_ indices: [Int], at offset: Int, stride: Int) throws(DatasetError) {
    let sorted = Set(indices).sorted()
    guard stride > 0, let last = sorted.last, sorted.count < (last + 1) / 2 else { return }
    try MemoryLimit.check(sorted.count * stride, path: path)
    let stream = try InflateStream(source, wrapper, path: path)
    try stream.skip(offset)
    var next = 0
    let bytes = try TensorStorage(byteCount: sorted.count * stride) {
      (target) throws(DatasetError) in
      for (slot, index) in sorted.enumerated() {
        try stream.skip((index - next) * stride)
        next = index + 1
        let part = UnsafeMutableRawBufferPointer(
          rebasing: target[slot * stride..<(slot + 1) * stride])
        let produced = try stream.read(into: part)
        guard produced == stride else {
          throw sizeFault("\(offset + index * stride + produced)")
        }
      }
    }
    let slots = Dictionary(uniqueKeysWithValues: sorted.enumerated().map { ($1, $0) })
    content.withLock {
      $0.selection = Selection(offset: offset, stride: stride, slots: slots, bytes: bytes)
    }
  }

  private func read(
    at offset: Int, into buffer: UnsafeMutableRawBufferPointer, _ content: inout Content
  ) throws(DatasetError) {
    if let selection = content.selection, offset >= selection.offset,
      let slot = selection.slots[(offset - selection.offset) / selection.stride]
    {
      let start = (offset - selection.offset) % selection.stride
      if start + buffer.count <= selection.stride {
        selection.bytes.withBytes {
          let part = $0[
            slot * selection.stride + start..<slot * selection.stride + start + buffer.count]
          buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: part))
        }
        return
      }
    }
    try inflate(to: offset + buffer.count, &content)
    let part = content.bytes[offset..<offset + buffer.count]
    buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: part))
  }

  /// Inflates the content from its beginning to `end` at least.
  private func inflate(to end: Int, _ content: inout Content) throws(DatasetError) {
    if let failure = content.failure { throw failure }
    guard content.produced < end || content.stream == nil else { return }
    let stream: InflateStream
    if let begun = content.stream {
      stream = begun
    } else {
      stream = try InflateStream(source, wrapper, path: path)
      content.stream = stream
    }
    let target = UnsafeMutableRawBufferPointer(
      rebasing: try room(min(count, end + Self.ahead), &content)[content.produced...])
    let produced = try stream.read(into: target)
    if let base = target.baseAddress {
      content.checksum = crc32_z(
        content.checksum, base.assumingMemoryBound(to: UInt8.self), produced)
    }
    content.produced += produced
    guard produced == target.count else { throw sizeFault("\(content.produced)") }
    guard content.produced == count else { return }
    do {
      try checkEnd(of: stream, content.checksum)
    } catch {
      content.failure = error
      throw error
    }
  }

  /// The first `size` bytes of the content's memory, which moves when it has to grow.
  private func room(_ size: Int, _ content: inout Content) throws(DatasetError)
    -> Slice<UnsafeMutableRawBufferPointer>
  {
    if content.bytes.count < size || content.bytes.baseAddress == nil {
      try MemoryLimit.check(size, path: path)
      let capacity = max(min(count, max(size, 2 * content.bytes.count)), 1)
      guard let memory = realloc(content.bytes.baseAddress, capacity) else {
        throw .tooLarge(path: path, bytes: capacity, limit: MemoryLimit.bytes)
      }
      content.bytes = UnsafeMutableRawBufferPointer(start: memory, count: capacity)
    }
    return content.bytes[..<size]
  }

  private func checkEnd(of stream: InflateStream, _ found: UInt) throws(DatasetError) {
    let excess = try withUnsafeTemporaryAllocation(byteCount: 1, alignment: 1) {
      (buffer) throws(DatasetError) in try stream.read(into: buffer)
    }
    guard excess == 0 else { throw sizeFault("more") }
    if let checksum, UInt32(truncatingIfNeeded: found) != checksum {
      throw .malformed(
        path: path, format: wrapper.format, field: "checksum of an entry",
        expected: "that of its content", actual: "something else")
    }
  }

  private func sizeFault(_ actual: String) -> DatasetError {
    .malformed(
      path: path, format: wrapper.format, field: "uncompressed size", expected: "\(count)",
      actual: actual)
  }
}
