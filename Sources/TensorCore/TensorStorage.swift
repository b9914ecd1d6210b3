/// The immutable, reference-counted bytes of one or more tensors.
///
/// The memory may come from anywhere, such as an allocation here or a parsed protobuf message; `release` gives it
/// back once the last tensor that uses it is gone. Bytes that can be read or computed again occupy memory only while
/// they are read, if their readers call ``discard()``.
package final class TensorStorage: Sendable {
  package let byteCount: Int
  /// The address of the bytes, valid when they are in memory.
  nonisolated(unsafe) private let place: UnsafeRawBufferPointer
  private let renewable: RenewableMemory?
  private let release: @Sendable (UnsafeRawBufferPointer) -> Void

  /// - Parameters:
  ///   - bytes: memory that nobody writes to from then on.
  ///   - release: called once, with `bytes`, at the end of this storage's life.
  package init(
    adopting bytes: UnsafeRawBufferPointer,
    release: @escaping @Sendable (UnsafeRawBufferPointer) -> Void
  ) {
    byteCount = bytes.count
    place = bytes
    renewable = nil
    self.release = release
  }

  /// New memory of `byteCount` bytes, aligned to 64 bytes and filled once by `initialize`.
  package convenience init<E: Error>(
    byteCount: Int, initialize: (UnsafeMutableRawBufferPointer) throws(E) -> Void
  ) throws(E) {
    let memory = UnsafeMutableRawBufferPointer.allocate(
      byteCount: max(byteCount, 1), alignment: 64)
    do {
      try initialize(UnsafeMutableRawBufferPointer(rebasing: memory[..<byteCount]))
    } catch {
      memory.deallocate()
      throw error
    }
    self.init(adopting: UnsafeRawBufferPointer(rebasing: memory[..<byteCount])) { bytes in
      bytes.baseAddress?.deallocate()
    }
  }

  /// The least number of bytes that are worth producing again.
  package static let leastRenewableBytes = 1 << 20

  /// Bytes that `fill` writes when they are first read, and again when they are read after ``discard()``. Few bytes
  /// are written once, immediately.
  ///
  /// - Parameter fill: writes every byte, the same ones at each call, on whatever thread reads them.
  package static func renewable(
    byteCount: Int, fill: @escaping @Sendable (UnsafeMutableRawBufferPointer) -> Void
  ) -> TensorStorage {
    guard byteCount >= leastRenewableBytes,
      let memory = RenewableMemory(byteCount: byteCount, fill: fill)
    else { return TensorStorage(byteCount: byteCount, initialize: fill) }
    return TensorStorage(memory)
  }

  private init(_ memory: RenewableMemory) {
    byteCount = memory.bytes.count
    place = UnsafeRawBufferPointer(memory.bytes)
    renewable = memory
    release = { _ in }
  }

  deinit { release(place) }

  /// The bytes, which from then on stay in memory as long as this storage lives; ``withBytes(_:)`` and ``hold()``
  /// keep them for a shorter time.
  package var bytes: UnsafeRawBufferPointer {
    renewable?.hold()
    return place
  }

  /// Calls `body` with the bytes, which are in memory during the call.
  package func withBytes<R, E: Error>(
    _ body: (UnsafeRawBufferPointer) throws(E) -> R
  ) throws(E) -> R {
    renewable?.hold()
    defer { renewable?.letGo() }
    return try body(place)
  }

  /// Keeps the bytes in memory for as long as it lives.
  package final class Hold: Sendable {
    private let storage: TensorStorage

    fileprivate init(_ storage: TensorStorage) {
      self.storage = storage
      storage.renewable?.hold()
    }

    deinit { storage.renewable?.letGo() }

    /// The bytes, valid as long as this object lives.
    package var bytes: UnsafeRawBufferPointer { storage.place }
  }

  /// Keeps the bytes in memory for as long as the result lives.
  package func hold() -> Hold { Hold(self) }

  /// Gives back the memory of bytes that can be produced again and that nobody holds; has no effect on others.
  package func discard() { renewable?.discard() }

  /// Whether the bytes have an address that is a multiple of `alignment`; reads nothing.
  package func isAligned(to alignment: Int) -> Bool {
    place.baseAddress.map { Int(bitPattern: $0) % alignment == 0 } ?? false
  }
}
