import CKernels
import DNNEngine
import TensorCore

extension ChainKernel {
  /// Turns the first source's scale and offset into those of its normalisation, by the statistics of the batch,
  /// which then enter the running ones, or by the running ones where they are frozen.
  func normalize(_ chain: snug_chain, _ operands: Operands) {
    guard let normalization = op.normalization, let places = normalizationOperands else { return }
    let gamma = operands.input(places.scale, as: Float.self)
    let beta = operands.input(places.bias, as: Float.self)
    // Running statistics are the one input that a kernel changes.
    let mean = UnsafeMutablePointer(mutating: operands.input(places.mean, as: Float.self))
    let variance = UnsafeMutablePointer(mutating: operands.input(places.variance, as: Float.self))
    if usesBatchStatistics { measure(chain, around: mean) }
    let count = Double(grid.samples * grid.positions)
    for channel in 0..<grid.channels {
      let (scale, offset) = (scales[0].pointer[channel], offsets[0].pointer[channel])
      var centre = Double(mean[channel])
      var spread = Double(variance[channel])
      if usesBatchStatistics, let sums {
        let first = sums.totals[channel] / count
        let second = sums.totals[grid.channels + channel] / count
        let raw = max(second - first * first, 0)
        centre = (Double(pivot.pointer[channel]) + first) * Double(scale) + Double(offset)
        spread = raw * Double(scale) * Double(scale)
        let share = Double(normalization.momentum)
        // Running variance is that of the population, estimated from the batch.
        let unbiased = count > 1 ? spread * count / (count - 1) : spread
        mean[channel] = Float(share * Double(mean[channel]) + (1 - share) * centre)
        variance[channel] = Float(share * Double(variance[channel]) + (1 - share) * unbiased)
      }
      let inverse = 1 / (spread + Double(normalization.epsilon)).squareRoot()
      inverseDeviation.pointer[channel] = Float(inverse)
      let slope = Double(scale) * inverse
      let intercept = (Double(offset) - centre) * inverse
      normalScale.pointer[channel] = Float(slope)
      normalOffset.pointer[channel] = Float(intercept)
      scales[0].pointer[channel] = Float(Double(gamma[channel]) * slope)
      offsets[0].pointer[channel] = Float(
        Double(gamma[channel]) * intercept + Double(beta[channel]))
    }
  }

  /// Sums of raw - pivot and its square; the pivot is the running mean, near the batch's, so that the
  /// difference of large squares loses nothing.
  private func measure(_ chain: snug_chain, around mean: UnsafePointer<Float>) {
    guard let sums else { return }
    for channel in 0..<grid.channels {
      let scale = scales[0].pointer[channel]
      let raw = scale == 0 ? 0 : (mean[channel] - offsets[0].pointer[channel]) / scale
      pivot.pointer[channel] = raw.isFinite ? raw : 0
    }
    let pivot = pivot.pointer
    let channels = grid.channels
    grid.parts.forEach(sharing: chain, pivot) { part, sample, begin, end, chain, pivot in
      let row = sums.row(part)
      withUnsafePointer(to: chain) {
        snug_chain_statistics($0, pivot, sample, begin, end, row, row + channels)
      }
    }
    sums.addUp()
  }
}
