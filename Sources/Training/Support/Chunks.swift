import TensorCore

/// Sums over long arrays with a fixed order of additions, whatever the number of threads.
enum Chunks {
  /// The number of elements that one call of a kernel takes; the partial sums are added in order.
  static let length = 1 << 15

  /// The sum of the values that `body` gives for the chunks of `0..<count`, which run in parallel.
  ///
  /// - Parameter shared: what is safe to use from several threads at once.
  static func sum<each Shared>(
    count: Int, sharing shared: repeat each Shared,
    do body: @Sendable (Range<Int>, repeat each Shared) -> Double
  ) -> Double {
    let chunks = (count + length - 1) / length
    return withUnsafeTemporaryAllocation(of: Double.self, capacity: chunks) { partial in
      Parallelism.forEachRange(count: chunks, sharing: partial, repeat each shared) {
        (range: Range<Int>, partial: UnsafeMutableBufferPointer<Double>, shared: repeat each Shared)
        in
        for index in range {
          let start = index * length
          partial.initializeElement(
            at: index, to: body(start..<min(start + length, count), repeat each shared))
        }
      }
      return partial.reduce(0, +)
    }
  }
}
