import Synchronization

/// The memory that all caches of decoded images share.
final class PixelBudget: Sendable {
  /// Images of one size that take no more than this in all are kept however they are read.
  static let smallSet = 512 << 20
  /// A quarter of the machine: training needs the rest.
  static let shared = PixelBudget(limit: max(MemoryLimit.available / 4, smallSet))

  private let limit: Int
  private let used = Atomic<Int>(0)

  /// - Parameter limit: in bytes.
  init(limit: Int) { self.limit = limit }

  /// Takes `count` bytes if that many are left.
  func take(_ count: Int) -> Bool {
    let total = used.add(count, ordering: .relaxed).newValue
    if total <= limit { return true }
    give(count)
    return false
  }

  /// Returns what was taken.
  func give(_ count: Int) { used.subtract(count, ordering: .relaxed) }
}
