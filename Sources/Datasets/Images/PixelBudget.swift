import Synchronization

/// The memory that all caches of decoded images share.
final class PixelBudget: Sendable {
  /// The number of bytes up to which a set of images of one size is kept, however they are read.
  static let smallSet = 512 << 20
  /// The budget of this process: a quarter of the machine's memory, since training needs the rest.
  static let shared = PixelBudget(limit: max(MemoryLimit.available / 4, smallSet))

  private let limit: Int
  private let used = Atomic<Int>(0)

  /// - Parameter limit: the budget in bytes.
  init(limit: Int) { self.limit = limit }

  /// Takes `count` bytes if that many are left; returns whether it did.
  func take(_ count: Int) -> Bool {
    let total = used.add(count, ordering: .relaxed).newValue
    if total <= limit { return true }
    give(count)
    return false
  }

  /// Gives `count` bytes back.
  func give(_ count: Int) { used.subtract(count, ordering: .relaxed) }
}
