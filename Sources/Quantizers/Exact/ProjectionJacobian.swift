import AccumulatorBounds
import CKernels

/// The transposed Jacobian of one channel's projection, applied to an upstream gradient.
///
/// A binding constraint a S+ + b S- = above has the normal n = a on the positive active weights and b
/// on the magnitudes of the negative ones, and takes n (n.G) / (n.n) off the gradient. Where both
/// constraints bind, their normals span one direction a sign: the mean of each is taken off.
struct ProjectionJacobian {
  private let row: UnsafeBufferPointer<Float>
  private let codes: UnsafeBufferPointer<Int8>
  private let upstream: UnsafeBufferPointer<Float>
  private let clip: Float
  /// What is taken off the gradient of an active weight, 0 where its sign is free.
  private var positiveShift: Float = 0
  private var negativeShift: Float = 0
  /// True where a budget limits the sign, so that its weights of 0 have no gradient.
  private var positiveBinds = false
  private var negativeBinds = false

  init(
    _ row: UnsafeBufferPointer<Float>, scale: Float, limit: Int,
    codes: UnsafeBufferPointer<Int8>, budget: AccumulatorBudget,
    upstream: UnsafeBufferPointer<Float>
  ) {
    self.row = row
    self.codes = codes
    self.upstream = upstream
    clip = (Float(limit) + 0.5) * scale
    guard budget.tiling == nil, let normals = Normals(row, scale, limit, codes, budget.inner)
    else { return }
    positiveBinds = normals.positive > 0
    negativeBinds = normals.negative > 0
    // Sums over the active weights of each sign.
    var (positive, negative) = (0.0, 0.0)
    var (positives, negatives) = (0.0, 0.0)
    for index in row.indices where !isClipped(index) {
      if codes[index] > 0 {
        positive += Double(upstream[index])
        positives += 1
      } else if codes[index] < 0 {
        negative += Double(upstream[index])
        negatives += 1
      }
    }
    if normals.areIndependent {
      positiveShift = positiveBinds && positives > 0 ? Float(positive / positives) : 0
      negativeShift = negativeBinds && negatives > 0 ? Float(negative / negatives) : 0
    } else {
      let (a, b) = (normals.positive, normals.negative)
      let square = a * a * positives + b * b * negatives
      let along = square > 0 ? (a * positive - b * negative) / square : 0
      positiveShift = Float(a * along)
      negativeShift = Float(-b * along)
    }
  }

  func isClipped(_ index: Int) -> Bool { row[index].magnitude > clip }

  func apply(_ index: Int) -> Float {
    if isClipped(index) { return 0 }
    if codes[index] > 0 { return upstream[index] - positiveShift }
    if codes[index] < 0 { return upstream[index] - negativeShift }
    return (row[index] > 0 ? positiveBinds : negativeBinds) ? 0 : upstream[index]
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
