import TensorCore

/// Sums over long arrays with a fixed order of additions, whatever the number of threads.
enum Chunks {
  /// The number of elements that one call of a kernel takes; the partial sums are added in order.
  static let length = 1 << 15

  /// The sum of the values that `body` gives for the chunks of `0..<count`, which run in parallel.
  static func sum(count: Int, _ body: @Sendable (Range<Int>) -> Double) -> Double {
    let chunks = (count + length - 1) / length
    return withUnsafeTemporaryAllocation(of: Double.self, capacity: chunks) { partial in
      nonisolated(unsafe) let partial = partial
      Parallelism.forEachRange(count: chunks) { range in
        for index in range {
          let start = index * length
          partial.initializeElement(at: index, to: body(start..<min(start + length, count)))
        }
      }
      return partial.reduce(0, +)
    }
  }
}
