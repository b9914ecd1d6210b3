import TensorCore

/// A block of memory that the intermediate tensors of a computation share by lifetime.
package final class Arena {
  package let base: UnsafeMutableRawPointer
  package let byteCount: Int

  /// - Throws: ``EngineError/memory(bytes:)`` where the machine doesn't have that much.
  package init(byteCount: Int) throws(EngineError) {
    try Self.checkSize(byteCount)
    // Large arenas start at a huge page, so that they can consist of such pages.
    let alignment = byteCount >= 1 << 22 ? 1 << 21 : 64
    let rounded = (max(byteCount, 1) + alignment - 1) / alignment * alignment
    guard let memory = aligned_alloc(alignment, rounded) else { throw .memory(bytes: byteCount) }
    if alignment > 64 { madvise(memory, rounded, MADV_HUGEPAGE) }
    base = memory
    self.byteCount = byteCount
  }

  deinit { free(base) }

  private static let physicalMemory: Int = {
    let (bytes, overflow) = sysconf(Int32(_SC_PHYS_PAGES)).multipliedReportingOverflow(
      by: sysconf(Int32(_SC_PAGESIZE)))
    return overflow ? Int.max : bytes
  }()

  /// Checks that an amount of memory is no more than the machine has: Linux would grant more, and kill the process at
  /// first use.
  ///
  /// - Throws: ``EngineError/memory(bytes:)`` where it is.
  package static func checkSize(_ byteCount: Int) throws(EngineError) {
    guard byteCount <= physicalMemory else { throw .memory(bytes: byteCount) }
  }
}
