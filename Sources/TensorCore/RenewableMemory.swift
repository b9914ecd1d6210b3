import Synchronization

/// Memory whose content can be produced again, so that it is occupied only while somebody reads it.
///
/// The address never changes.
final class RenewableMemory: Sendable {
  private struct State {
    var isFilled = false
    /// The number of readers that rely on the content.
    var holders = 0
  }

  nonisolated(unsafe) let bytes: UnsafeMutableRawBufferPointer
  /// The address space that holds ``bytes``.
  nonisolated(unsafe) private let reserved: UnsafeMutableRawBufferPointer
  private let state = Mutex(State())
  private let fill: @Sendable (UnsafeMutableRawBufferPointer) -> Void

  /// - Parameter fill: writes every byte, the same ones at each call.
  /// - Returns: `nil` where the system provides no address space.
  init?(byteCount: Int, fill: @escaping @Sendable (UnsafeMutableRawBufferPointer) -> Void) {
    #if canImport(Darwin)
      let anonymous = MAP_ANON
    #else
      let anonymous = MAP_ANONYMOUS
    #endif
    // Large blocks that are filled again and again cost less in huge pages, which start at multiples of their size.
    let isLarge = byteCount >= Self.hugePage
    let (size, overflow) = byteCount.addingReportingOverflow(isLarge ? Self.hugePage : 0)
    if overflow { return nil }
    let base = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | anonymous, -1, 0)
    guard let base, base != MAP_FAILED else { return nil }
    reserved = UnsafeMutableRawBufferPointer(start: base, count: size)
    let start = isLarge ? base.alignedUp(toMultipleOf: Self.hugePage) : base
    bytes = UnsafeMutableRawBufferPointer(start: start, count: byteCount)
    self.fill = fill
    #if os(Linux)
      if isLarge { madvise(start, byteCount, MADV_HUGEPAGE) }
    #endif
  }

  deinit { munmap(reserved.baseAddress, reserved.count) }

  private static let hugePage = 2 << 20

  /// Fills the memory where it is empty, and keeps the content until the matching call of ``letGo()``.
  func hold() {
    state.withLock { state in
      if !state.isFilled { fill(bytes) }
      state.isFilled = true
      state.holders += 1
    }
  }

  func letGo() { state.withLock { $0.holders -= 1 } }

  /// Gives the memory back to the system unless somebody holds it.
  func discard() {
    state.withLock { state in
      guard state.isFilled, state.holders == 0,
        madvise(bytes.baseAddress, bytes.count, MADV_DONTNEED) == 0
      else { return }
      state.isFilled = false
    }
  }
}
