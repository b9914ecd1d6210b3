import CKernels
import TensorCore

extension WeightLayer {
  func row(_ channel: Int, of buffer: UnsafeBufferPointer<Float>) -> UnsafeBufferPointer<Float> {
    UnsafeBufferPointer(rebasing: buffer[channel * length..<(channel + 1) * length])
  }

  func row<Element>(_ channel: Int, of buffer: UnsafeMutableBufferPointer<Element>)
    -> UnsafeMutableBufferPointer<Element>
  {
    UnsafeMutableBufferPointer(rebasing: buffer[channel * length..<(channel + 1) * length])
  }

  /// The scale that maps each channel's largest magnitude to the greatest integer, and the l1 norm;
  /// both at least 1e-10, so that an all-zero channel has finite logarithms.
  func maxAbsParameters(_ weights: UnsafeBufferPointer<Float>) throws(QuantizerError)
    -> ChannelParameters
  {
    var parameters = ChannelParameters(
      log2Scale: Array(repeating: 0, count: channels),
      log2Norm: Array(repeating: 0, count: channels))
    try parameters.log2Scale.withMutableBuffer { (scales) throws(QuantizerError) in
      try parameters.log2Norm.withMutableBuffer { (norms) throws(QuantizerError) in
        nonisolated(unsafe) let (weights, scales, norms) = (weights, scales, norms)
        _ = try forEachChannel { channel, _ in
          let row = row(channel, of: weights)
          let norm = snug_row_absolute(row.baseAddress, row.count, 0)
          guard norm.sum.isFinite else {
            return row.firstNonFinite.map { .nonFiniteWeight(channel: channel, index: $0) }
          }
          scales[channel] = log2(max(norm.largest / Float(limit), 1e-10))
          norms[channel] = log2(min(max(Float(norm.sum), 1e-10), Float.greatestFiniteMagnitude))
          return nil
        }
      }
    }
    return parameters
  }

  /// Calls `body` for every channel, in parallel.
  func forEachChannel(_ body: @Sendable (_ channel: Int) -> Void) {
    Parallelism.forEachRange(count: channels, grain: max(1, 32768 / max(length, 1))) { range in
      for channel in range { body(channel) }
    }
  }
}

extension UnsafeBufferPointer<Float> {
  var firstNonFinite: Int? { firstIndex { !$0.isFinite } }
}
