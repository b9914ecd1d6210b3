/// Immutable, reference-counted bytes behind one or more tensors.
///
/// The memory may come from anywhere (an allocation here, a parsed protobuf message): `release` gives it back once
/// the last tensor that uses it is gone. Bytes that can be had again, from a file or by computing them, take up memory
/// only while they are read, if their readers see to it: ``discard()``.
public final class TensorStorage: Sendable {
  public let byteCount: Int
  /// Where the bytes stand when they are in memory.
  nonisolated(unsafe) private let place: UnsafeRawBufferPointer
  private let renewable: RenewableMemory?
  private let release: @Sendable (UnsafeRawBufferPointer) -> Void

  /// - Parameters:
  ///   - bytes: memory that nobody writes to from here on.
  ///   - release: called once, with `bytes`, at the end of this storage's life.
  public init(
    adopting bytes: UnsafeRawBufferPointer,
    release: @escaping @Sendable (UnsafeRawBufferPointer) -> Void
  ) {
    byteCount = bytes.count
    place = bytes
    renewable = nil
    self.release = release
  }

  /// New memory of `byteCount` bytes, 64-byte aligned, filled once by `initialize`.
  public convenience init<E: Error>(
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

  /// Fewer bytes than these aren't worth having again.
  public static let leastRenewableBytes = 1 << 20

  /// Bytes that `fill` writes when they are first read, and again when they are read after ``discard()``; at once,
  /// and once, where there are few.
  ///
  /// - Parameter fill: writes every byte, the same ones at each call, on whatever thread reads them.
  public static func renewable(
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

  /// The bytes, which stay in memory for as long as this storage lives; ``withBytes(_:)`` and ``hold()`` ask for less.
  public var bytes: UnsafeRawBufferPointer {
    renewable?.hold()
    return place
  }

  /// Calls `body` with the bytes, which are in memory during the call.
  public func withBytes<R, E: Error>(
    _ body: (UnsafeRawBufferPointer) throws(E) -> R
  ) throws(E) -> R {
    renewable?.hold()
    defer { renewable?.letGo() }
    return try body(place)
  }

  /// The bytes together with what keeps them in memory.
  public final class Hold: Sendable {
    private let storage: TensorStorage

    fileprivate init(_ storage: TensorStorage) {
      self.storage = storage
      storage.renewable?.hold()
    }

    deinit { storage.renewable?.letGo() }

    /// Valid for as long as this object lives.
    public var bytes: UnsafeRawBufferPointer { storage.place }
  }

  /// Keeps the bytes in memory for as long as the result lives.
  public func hold() -> Hold { Hold(self) }

  /// Gives back the memory of bytes that can be had again and that nobody holds; of others it does nothing.
  public func discard() { renewable?.discard() }

  /// Whether there is an address, and a multiple of `alignment`; reads nothing.
  public func isAligned(to alignment: Int) -> Bool {
    place.baseAddress.map { Int(bitPattern: $0) % alignment == 0 } ?? false
  }
}
