/// Immutable, reference-counted bytes behind one or more tensors.
///
/// The memory may come from anywhere (an allocation here, a parsed protobuf message, a mapped file):
/// `release` gives it back once the last tensor that uses it is gone.
public final class TensorStorage: Sendable {
  nonisolated(unsafe) public let bytes: UnsafeRawBufferPointer
  private let release: @Sendable (UnsafeRawBufferPointer) -> Void

  /// - Parameters:
  ///   - bytes: memory that nobody writes to from here on.
  ///   - release: called once, with `bytes`, at the end of this storage's life.
  public init(
    adopting bytes: UnsafeRawBufferPointer,
    release: @escaping @Sendable (UnsafeRawBufferPointer) -> Void
  ) {
    self.bytes = bytes
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

  deinit { release(bytes) }
}
