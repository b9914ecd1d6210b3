import Synchronization
import TensorCore

/// Keeps the error of the lowest position among work done in parallel, so that it is the same each time.
final class FirstFailure: Sendable {
  private let first = Mutex<(position: Int, error: DatasetError)?>(nil)

  /// Runs `body`, and keeps the error that it throws if no lower position has one.
  func attempt(at position: Int, _ body: () throws(DatasetError) -> Void) {
    do {
      try body()
    } catch {
      first.withLock { first in
        if first.map({ position < $0.position }) ?? true { first = (position, error) }
      }
    }
  }

  /// Runs `body` over disjoint ranges in parallel, each writing its own part of `buffer`. In the background it runs
  /// over the whole range at once, since a second team of threads would compete with the one that computes.
  func forEachRange<T>(
    count: Int, grain: Int, reading: BatchReading = .parallel,
    writing buffer: UnsafeMutableBufferPointer<T>,
    _ body: (Range<Int>, UnsafeMutableBufferPointer<T>) -> Void
  ) {
    if reading == .background { return body(0..<count, buffer) }
    withoutActuallyEscaping(body) { body in
      // The ranges are disjoint and the call returns only after all of them.
      nonisolated(unsafe) let body = body
      nonisolated(unsafe) let buffer = buffer
      Parallelism.forEachRange(count: count, grain: grain) { range in body(range, buffer) }
    }
  }

  /// Throws the error that was kept, if any.
  func check() throws(DatasetError) {
    if let error = first.withLock({ $0?.error }) { throw error }
  }
}
