import CKernels
import Synchronization
import TensorCore

/// The k-th smallest of |x| with k = floor(f n + 0.5), f = 0.99999 unless given: the clipping
/// statistic of an activation quantizer. It is the maximum unless n exceeds 50,000. O(n), exact.
package struct MagnitudePercentile: Sendable, Hashable {
  package var fraction: Double

  package init(fraction: Double = 0.99999) { self.fraction = fraction }

  /// - Throws: ``QuantizerError/noActivations`` for no values, ``QuantizerError/nonFiniteActivation``.
  package func callAsFunction(_ x: UnsafeBufferPointer<Float>) throws(QuantizerError) -> Float {
    let largest = try x.largestMagnitude()
    let rank = min(max(Int((fraction * Double(x.count) + 0.5).rounded(.down)), 1), x.count)
    if rank == x.count { return largest }
    // Two rounds of counting: the upper bits of the result, then the lower ones.
    let upper = select(rank, of: x.counts(1 << 15) { snug_magnitude_count_upper($0, $1, $2) })
    let lower = select(
      rank - upper.before,
      of: x.counts(1 << 16) { snug_magnitude_count_lower($0, $1, UInt32(upper.value), $2) })
    return Float(bitPattern: UInt32(upper.value << 16 | lower.value))
  }

  /// The value that the rank-th element of the counts has, and the number of elements before that value.
  private func select(_ rank: Int, of counts: [UInt64]) -> (value: Int, before: Int) {
    var before = 0
    for (value, count) in counts.enumerated() {
      if before + Int(count) >= rank { return (value, before) }
      before += Int(count)
    }
    return (counts.count - 1, before)
  }
}

extension UnsafeBufferPointer<Float> {
  /// The greatest |x|.
  func largestMagnitude() throws(QuantizerError) -> Float {
    if isEmpty { throw .noActivations }
    let largest = Atomic<UInt32>(0)
    Parallelism.forEachRange(count: count, grain: 1 << 16, sharing: self) { range, x in
      let bits = snug_magnitude_max(x.baseAddress.map { $0 + range.lowerBound }, range.count)
      largest.max(bits, ordering: .relaxed)
    }
    let value = Float(bitPattern: largest.load(ordering: .relaxed))
    guard value.isFinite else {
      throw .nonFiniteActivation(index: firstIndex { !$0.isFinite } ?? 0)
    }
    return value
  }

  /// Counts that `kernel` adds to, one part of the elements a thread.
  func counts(
    _ size: Int,
    _ kernel: @Sendable (UnsafePointer<Float>?, Int, UnsafeMutablePointer<UInt64>?) -> Void
  ) -> [UInt64] {
    let total = Mutex([UInt64](repeating: 0, count: size))
    Parallelism.forEachRange(count: count, grain: Swift.max(1 << 17, 8 * size), sharing: self) {
      range, x in
      var part = [UInt64](repeating: 0, count: size)
      part.withUnsafeMutableBufferPointer {
        kernel(x.baseAddress.map { $0 + range.lowerBound }, range.count, $0.baseAddress)
      }
      total.withLock { total in
        for index in part.indices { total[index] += part[index] }
      }
    }
    return total.withLock { $0 }
  }
}
