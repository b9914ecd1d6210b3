import CKernels
import Synchronization
import TensorCore

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
