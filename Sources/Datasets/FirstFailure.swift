import Synchronization
import TensorCore

/// The error of the lowest position among work done in parallel, so that it is the same each time.
final class FirstFailure: Sendable {
  private let first = Mutex<(position: Int, error: DatasetError)?>(nil)

  /// Runs `body`, and keeps the error it throws.
  func attempt(at position: Int, _ body: () throws(DatasetError) -> Void) {
    do throws(DatasetError) {
      try body()
    } catch {
      first.withLock { first in
        if first.map({ position < $0.position }) ?? true { first = (position, error) }
      }
    }
  }

  /// Runs `body` over disjoint ranges in parallel, each writing its own part of `buffer`; in the
  /// background over all at once, for a second team of threads would fight with the computing one.
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

  /// Throws the error kept, if any.
  func check() throws(DatasetError) {
    if let error = first.withLock({ $0?.error }) { throw error }
  }
}
