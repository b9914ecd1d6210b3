import CKernels

/// One channel of a norm-constrained quantizer, from its weights to the map that makes integers.
///
///     z = -mean(w)    d = |w + z|_1    r = g / s    k = min(r, T)    ps = d / k    y = (w + z) / ps
struct NormChannel {
  /// s, the step of the integers.
  let scale: Float
  /// s as it stands inside r; the same as `scale` unless the two are trained apart.
  let innerScale: Float
  /// g.
  let norm: Float
  /// T.
  let bound: Float
  /// z, 0 where the method does not centre.
  let centre: Float
  /// d, or 0 where what is left of the channel is rounding noise.
  let distance: Float
  /// ps.
  let preScale: Float
  /// Added to y after the division; 0 unless the centring was done in scaled units.
  var offset: Float = 0

  init(
    row: UnsafeBufferPointer<Float>, centred: Bool, scale: Float, innerScale: Float? = nil,
    norm: Float, bound: Float
  ) {
    let count = row.count
    let centre =
      centred ? Float(-snug_row_sum(row.baseAddress, count) / Double(max(count, 1))) : 0
    let absolute = snug_row_absolute(row.baseAddress, count, centre)
    // Equal weights leave about one rounding error each once centred.
    let noise = centred ? Float(count) * Float.ulpOfOne * absolute.largest : 0
    let distance = Float(absolute.sum)
    self.init(
      scale: scale, innerScale: innerScale ?? scale, norm: norm, bound: bound, centre: centre,
      distance: distance <= noise ? 0 : distance)
  }

  init(
    scale: Float, innerScale: Float, norm: Float, bound: Float, centre: Float, distance: Float
  ) {
    self.scale = scale
    self.innerScale = innerScale
    self.norm = norm
    self.bound = bound
    self.centre = centre
    self.distance = distance
    preScale = distance / min(norm / innerScale, bound)
  }

  /// r.
  var ratio: Float { norm / innerScale }
  /// k.
  var clamped: Float { min(ratio, bound) }

  /// The derivative of min(r, T) by r, which is split evenly at the kink.
  var clampDerivative: Float { ratio < bound ? 1 : ratio > bound ? 0 : 0.5 }

  /// False where a weight or parameter is NaN or infinite.
  var isFinite: Bool {
    distance.isFinite && centre.isFinite && scale.isFinite && innerScale.isFinite && norm.isFinite
  }

  /// True where every integer is 0: no weight differs from the centre, or the divisor has underflowed.
  var isDegenerate: Bool { distance == 0 || !(preScale >= Float.leastNormalMagnitude) }

  func map(limit: Int) -> snug_row_map {
    snug_row_map(
      centre: centre, pre_scale: preScale, offset: offset, limit: Float(limit), scale: scale)
  }
}
