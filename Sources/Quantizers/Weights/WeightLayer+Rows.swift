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

  /// The parameters of one channel.
  struct Parameters {
    var log2Scale: Float
    var log2Norm: Float
  }

  /// The scale that maps each channel's largest magnitude to the greatest integer, or a larger one where the
  /// channel's bias needs it, and the l1 norm; for an all-zero channel ``ScaleLimit/ofZeros``, so that it has finite
  /// logarithms.
  ///
  /// - Parameter adjust: may change a channel's parameters, and gets its l1 norm.
  func parameters(
    _ weights: UnsafeBufferPointer<Float>,
    adjust: @Sendable (_ channel: Int, _ norm: Double, inout Parameters) -> Void = { _, _, _ in }
  ) throws(QuantizerError) -> ChannelParameters {
    var result = ChannelParameters(
      log2Scale: Array(repeating: 0, count: channels),
      log2Norm: Array(repeating: 0, count: channels))
    try result.log2Scale.withMutableBuffer { (scales) throws(QuantizerError) in
      try result.log2Norm.withMutableBuffer { (norms) throws(QuantizerError) in
        _ = try forEachChannel(sharing: weights, scales, norms) {
          channel, _, weights, scales, norms in
          let row = row(channel, of: weights)
          let norm = snug_row_absolute(row.baseAddress, row.count, 0)
          guard norm.sum.isFinite else {
            return row.firstNonFinite.map { .nonFiniteWeight(channel: channel, index: $0) }
          }
          let least = norm.largest > 0 ? ScaleLimit.least : ScaleLimit.ofZeros
          var parameters = Parameters(
            log2Scale: log2(max(norm.largest / Float(limit), leastScale(channel), least)),
            log2Norm: log2(min(max(Float(norm.sum), least), Float.greatestFiniteMagnitude)))
          adjust(channel, norm.sum, &parameters)
          scales[channel] = parameters.log2Scale
          norms[channel] = parameters.log2Norm
          return nil
        }
      }
    }
    return result
  }

  /// Calls `body` for every channel, in parallel.
  ///
  /// - Parameter shared: what is safe to use from several threads at once.
  func forEachChannel<each Shared>(
    sharing shared: repeat each Shared,
    do body: @Sendable (_ channel: Int, repeat each Shared) -> Void
  ) {
    Parallelism.forEachRange(
      count: channels, grain: max(1, 32768 / max(length, 1)), sharing: repeat each shared
    ) { (range: Range<Int>, shared: repeat each Shared) in
      for channel in range { body(channel, repeat each shared) }
    }
  }
}

extension UnsafeBufferPointer<Float> {
  var firstNonFinite: Int? { firstIndex { !$0.isFinite } }
}
