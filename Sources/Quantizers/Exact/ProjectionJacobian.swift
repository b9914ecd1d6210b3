import AccumulatorBounds
import CKernels

extension snug_projection_map {
  /// The Jacobian of one channel's projection, for its integers.
  ///
  /// A binding constraint a S+ + b S- = above has the normal n = a on the positive active weights and
  /// b on the magnitudes of the negative ones, and takes n (n.G) / (n.n) off the gradient. Where both
  /// constraints bind, their normals span one direction a sign: the mean of each is taken off.
  init(
    row: UnsafeBufferPointer<Float>, scale: Float, limit: Int, clip: Float,
    codes: UnsafeBufferPointer<Int8>, budget: AccumulatorBudget,
    upstream: UnsafeBufferPointer<Float>
  ) {
    self.init()
    guard budget.tiling == nil, let normals = Normals(row, scale, limit, codes, budget.inner)
    else { return }
    positive_binds = normals.positive > 0 ? 1 : 0
    negative_binds = normals.negative > 0 ? 1 : 0
    let sums = snug_active_reduce(
      row.baseAddress, codes.baseAddress, upstream.baseAddress, row.count, clip)
    if normals.areIndependent {
      if normals.positive > 0, sums.positives > 0 {
        positive_shift = Float(sums.positive / sums.positives)
      }
      if normals.negative > 0, sums.negatives > 0 {
        negative_shift = Float(sums.negative / sums.negatives)
      }
    } else {
      let (a, b) = (normals.positive, normals.negative)
      let square = a * a * sums.positives + b * b * sums.negatives
      let along = square > 0 ? (a * sums.positive - b * sums.negative) / square : 0
      positive_shift = Float(a * along)
      negative_shift = Float(-b * along)
    }
  }
}

/// Which constraints of a region bind a channel's integers.
private struct Normals {
  /// Coefficients of the binding constraint; of each, where the constraints are independent.
  var positive = 0.0
  var negative = 0.0
  /// True where each sign is bound by itself.
  var areIndependent = false

  /// The binding constraints, or `nil` where rounding to nearest fits.
  init?(
    _ row: UnsafeBufferPointer<Float>, _ scale: Float, _ limit: Int,
    _ codes: UnsafeBufferPointer<Int8>, _ region: SignSumRegion
  ) {
    let nearest = SignSums(
      snug_row_to_nearest(
        row.baseAddress, row.count,
        snug_row_map(
          centre: 0, pre_scale: scale, offset: 0, limit: Float(limit), scale: scale), nil, nil))
    if region.contains(nearest) { return nil }
    guard let sums = SignSums(codes) else { return nil }
    let wantsPositive = sums.positive < nearest.positive
    let wantsNegative = sums.negative < nearest.negative
    // A constraint binds where a unit that a sign wants does not fit.
    let (a, b) = (region.along, region.against)
    let (p, n) = (Int128(sums.positive), Int128(sums.negative))
    let roomAbove = region.above - a * p - b * n
    let roomBelow = region.below - a * n - b * p
    let above = (wantsPositive && a > roomAbove) || (wantsNegative && b > roomAbove)
    let below = (wantsPositive && b > roomBelow) || (wantsNegative && a > roomBelow)
    let positiveLimit = wantsPositive && sums.positive == region.positiveLimit
    let negativeLimit = wantsNegative && sums.negative == region.negativeLimit
    if (above && below && a != b) || a == 0 || b == 0 || positiveLimit || negativeLimit {
      areIndependent = true
      positive = (above && a > 0) || (below && b > 0) || positiveLimit ? 1 : 0
      negative = (above && b > 0) || (below && a > 0) || negativeLimit ? 1 : 0
    } else if above {
      (positive, negative) = (Double(a), Double(b))
    } else if below {
      (positive, negative) = (Double(b), Double(a))
    }
  }
}
