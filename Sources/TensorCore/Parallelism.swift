import CKernels
import Synchronization

/// The single place that determines how many threads this process computes with.
package enum Parallelism {
  private static let configured = Atomic<Int>(0)

  /// Another number of threads for the work of one task, without effect on the work beside it.
  @TaskLocal package static var threadCountOfTask: Int?

  /// The number of threads for loops here and for oneDNN: all cores unless it is set, and never more than the
  /// process's limits of address space and threads allow.
  package static var threadCount: Int {
    get {
      if let own = threadCountOfTask { return own }
      let value = configured.load(ordering: .relaxed)
      return value > 0 ? value : coreCount
    }
    set {
      let affordable = Int(snug_affordable_threads(Int32(clamping: newValue)))
      configured.store(affordable, ordering: .relaxed)
    }
  }

  private static let coreCount = Int(snug_affordable_threads(snug_available_cores()))

  /// Runs `body` over disjoint ranges that cover `0..<count`, in parallel where that pays.
  ///
  /// The ranges depend only on `count`, `grain` and the thread count, so a reduction per range is
  /// reproducible.
  ///
  /// - Parameter grain: the least number of iterations worth a thread of its own.
  package static func forEachRange(
    count: Int, grain: Int = 1, _ body: @Sendable (Range<Int>) -> Void
  ) {
    let parts = min(threadCount, max(1, count / max(grain, 1)))
    guard parts > 1 else {
      if count > 0 { body(0..<count) }
      return
    }
    withoutActuallyEscaping(body) { body in
      let work = Work(count: count, parts: parts, body: body)
      withUnsafePointer(to: work) {
        // This is the pool of threads that oneDNN uses too.
        snug_parallel(Int32(parts), Int32(parts), UnsafeMutableRawPointer(mutating: $0)) {
          context, part in
          guard let work = context?.assumingMemoryBound(to: Work.self).pointee else { return }
          let part = Int(part)
          work.body(work.count * part / work.parts..<work.count * (part + 1) / work.parts)
        }
      }
    }
  }

  /// Runs `body` over disjoint ranges as ``forEachRange(count:grain:_:)`` does, with what they share.
  ///
  /// - Parameters:
  ///   - grain: the least number of iterations worth a thread of its own.
  ///   - shared: what each call of `body` gets besides its range. It must be safe to use from several threads at
  ///     once, as memory is where each range writes elements of its own.
  @inlinable
  package static func forEachRange<each Shared>(
    count: Int, grain: Int = 1, sharing shared: repeat each Shared,
    do body: @Sendable (Range<Int>, repeat each Shared) -> Void
  ) {
    // The compiler can't see that the ranges keep apart, which the caller answers for.
    nonisolated(unsafe) let values = (repeat each shared)
    forEachRange(count: count, grain: grain) { body($0, repeat each values) }
  }

  private struct Work {
    var count: Int
    var parts: Int
    var body: @Sendable (Range<Int>) -> Void
  }
}
