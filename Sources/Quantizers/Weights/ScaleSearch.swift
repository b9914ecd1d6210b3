import CKernels

/// Searches each channel's scale for the least weight error under its budget.
///
/// A larger scale makes the integers smaller, so that more of them fit an accumulator, and their steps
/// coarser; at narrow accumulators the best scale is several times the one that the largest weight
/// sets. Every candidate is a whole forward pass of the method, so the guarantee holds throughout.
package struct ScaleSearch: Sendable, Hashable {
  /// Candidates, as multiples of the scale to start from.
  package var factors: [Float]
  /// How often the scale is fitted to the integers found, s = (q.w) / (q.q), and they to it.
  package var fits: Int

  /// - Parameter factors: 1/2 to 8 in eighths of an octave unless given.
  package init(factors: [Float]? = nil, fits: Int = 4) {
    self.factors = factors ?? (-8...24).map { exp2(Float($0) / 8) }
    self.fits = fits
  }

  /// Moves the scales in `parameters` to the best ones found; never to a worse one.
  ///
  /// - Parameters:
  ///   - weights: C x K, row-major.
  ///   - importance: a factor for the squared error at each of the K positions, such as the mean
  ///     square of the input there.
  /// - Returns: the error of each channel, sum of h (q s - w)^2.
  @discardableResult package func apply(
    to parameters: inout ChannelParameters, of quantizer: any WeightQuantizer, weights: [Float],
    importance: [Float]? = nil
  ) throws(QuantizerError) -> [Double] {
    let layer = quantizer.layer
    precondition(weights.count == layer.count, "\(weights.count) weights, not \(layer.count)")
    precondition(importance.map { $0.count == layer.length } ?? true, "one importance a position")
    let start = parameters
    var best = try fit(quantizer, weights, importance, start)
    for factor in factors where factor != 1 {
      var candidate = start
      for channel in candidate.log2Scale.indices { candidate.log2Scale[channel] += log2(factor) }
      let found = try fit(quantizer, weights, importance, candidate)
      keepBetter(of: candidate, found, of: quantizer, in: &parameters, &best)
    }
    for _ in 0..<fits {
      var candidate = parameters
      for channel in candidate.log2Scale.indices where best[channel].ratio > 0 {
        candidate.log2Scale[channel] += log2(best[channel].ratio)
      }
      let found = try fit(quantizer, weights, importance, candidate)
      keepBetter(of: candidate, found, of: quantizer, in: &parameters, &best)
    }
    return best.map(\.error)
  }

  /// How well one channel's integers fit its weights.
  private struct Fit {
    var error: Double
    /// What the scale would have to be multiplied by for the least error of the same integers; 0 where
    /// they are all 0.
    var ratio: Float
  }

  private func keepBetter(
    of candidate: ChannelParameters, _ found: [Fit], of quantizer: any WeightQuantizer,
    in parameters: inout ChannelParameters, _ best: inout [Fit]
  ) {
    for channel in found.indices where found[channel].error < best[channel].error {
      // A smaller scale would cut the channel's bias off.
      guard
        quantizer.scale(candidate.log2Scale[channel]) >= quantizer.layer.leastScale(channel)
      else { continue }
      best[channel] = found[channel]
      parameters.log2Scale[channel] = candidate.log2Scale[channel]
    }
  }

  private func fit(
    _ quantizer: any WeightQuantizer, _ weights: [Float], _ importance: [Float]?,
    _ parameters: ChannelParameters
  ) throws(QuantizerError) -> [Fit] {
    let layer = quantizer.layer
    var values = [Float](repeating: 0, count: layer.count)
    try values.withMutableBuffer { (values) throws(QuantizerError) in
      try weights.withBuffer { (weights) throws(QuantizerError) in
        try parameters.withView { (parameters) throws(QuantizerError) in
          _ = try quantizer.forward(weights, parameters, into: .init(values: values))
        }
      }
    }
    var fits = [Fit](repeating: Fit(error: 0, ratio: 0), count: layer.channels)
    fits.withUnsafeMutableBufferPointer { fits in
      weights.withUnsafeBufferPointer { weights in
        values.withUnsafeBufferPointer { values in
          layer.forEachChannel(sharing: fits, weights, values) { channel, fits, weights, values in
            let sums = snug_row_fit(
              layer.row(channel, of: weights).baseAddress,
              layer.row(channel, of: values).baseAddress, importance, layer.length)
            let ratio = sums.square > 0 ? Float(sums.product / sums.square) : 0
            fits[channel] = Fit(error: sums.error, ratio: ratio.isFinite ? ratio : 0)
          }
        }
      }
    }
    return fits
  }
}
