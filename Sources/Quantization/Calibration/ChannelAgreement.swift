/// How far a layer's output is from the one that it should have, channel by channel, over any number of batches.
struct ChannelAgreement: Sendable {
  /// What is corrected before outputs are compared (``OutputCorrection``).
  enum Correction: Sendable {
    case none, mean, meanAndVariance
  }

  private struct Moments {
    var wanted = 0.0
    var found = 0.0
    var wantedSquare = 0.0
    var foundSquare = 0.0
    var product = 0.0
  }

  private var moments: [Moments]
  private var count = 0.0
  /// Dimension that counts channels, from the end where negative.
  private let axis: Int

  init(channels: Int, axis: Int) {
    moments = [Moments](repeating: Moments(), count: channels)
    self.axis = axis
  }

  /// Takes in a batch of outputs, row-major, both of the same shape; one whose channel dimension has another
  /// size is left out.
  mutating func observe(
    wanted: UnsafeBufferPointer<Float>, found: UnsafeBufferPointer<Float>, shape: [Int]
  ) {
    let axis = self.axis < 0 ? self.axis + shape.count : self.axis
    guard shape.indices.contains(axis), shape[axis] == moments.count, !wanted.isEmpty,
      wanted.count == found.count
    else { return }
    let inner = shape[(axis + 1)...].reduce(1, *)
    let outer = shape[..<axis].reduce(1, *)
    for block in 0..<outer {
      for channel in moments.indices {
        let start = (block * moments.count + channel) * inner
        var sums = moments[channel]
        for index in start..<start + inner {
          let (y, z) = (Double(wanted[index]), Double(found[index]))
          sums.wanted += y
          sums.found += z
          sums.wantedSquare += y * y
          sums.foundSquare += z * z
          sums.product += y * z
        }
        moments[channel] = sums
      }
    }
    count += Double(outer * inner)
  }

  /// The variance of the output that is wanted, over all channels.
  var variance: Double {
    guard count > 0 else { return 0 }
    return moments.reduce(0) {
      let mean = $1.wanted / count
      return $0 + max($1.wantedSquare / count - mean * mean, 0)
    }
  }

  /// The squared error that remains after the correction, over all channels, as a part of the variance of the
  /// output that is wanted; 0 where that is constant.
  func relativeError(after correction: Correction) -> Double {
    guard count > 0 else { return 0 }
    var error = 0.0
    var total = 0.0
    for sums in moments {
      let (y, z) = (sums.wanted / count, sums.found / count)
      let wanted = max(sums.wantedSquare / count - y * y, 0)
      let found = max(sums.foundSquare / count - z * z, 0)
      let covariance = sums.product / count - y * z
      total += wanted
      switch correction {
      case .none: error += wanted + found - 2 * covariance + (y - z) * (y - z)
      case .mean: error += wanted + found - 2 * covariance
      case .meanAndVariance:
        // With the gain that makes the variances equal; a constant output can't be helped.
        let product = (wanted * found).squareRoot()
        error += product > 0 ? 2 * wanted * (1 - covariance / product) : wanted
      }
    }
    return total > 0 ? max(error, 0) / total : 0
  }
}
