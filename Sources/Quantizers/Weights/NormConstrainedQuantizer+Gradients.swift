import CKernels

extension NormConstrainedQuantizer {
  func backward(
    _ weights: UnsafeBufferPointer<Float>, _ parameters: ParameterView,
    upstream: UnsafeBufferPointer<Float>, into gradients: GradientBuffers
  ) {
    layer.forEachChannel(sharing: weights, upstream) { index, weights, upstream in
      let row = layer.row(index, of: gradients.weights)
      let result =
        tiledChannel(index, of: weights, parameters)?.gradients(
          upstream: layer.row(index, of: upstream), limit: layer.limit, into: row)
        ?? channel(index, of: weights, parameters).gradients(
          row: layer.row(index, of: weights), upstream: layer.row(index, of: upstream),
          centred: centred, limit: layer.limit, into: row)
      gradients.log2Scale[index] = result.log2Scale + result.log2InnerScale
      gradients.log2Norm[index] = result.log2Norm
    }
  }

  /// sum over channels of max(g - T s, 0), without gradient at equality (arXiv 2401.10432, eq. 42).
  func penalty(
    _ parameters: ParameterView, factor: Float, addingTo gradients: GradientBuffers
  ) -> Double {
    var total = 0.0
    for index in 0..<layer.channels {
      let norm = exp2(parameters.log2Norm[index])
      let scale = Self.scale(parameters.log2Scale[index])
      let cap = scale * limit(index, scale: scale, current: parameters.biases)
      guard norm > cap else { continue }
      total += Double(norm - cap)
      gradients.log2Norm[index] += factor * ln2 * norm
      gradients.log2Scale[index] -= factor * ln2 * cap
    }
    return total
  }
}

extension NormChannel {
  /// Gradients in the stored domain, that of the logarithms.
  struct Gradients {
    var log2Norm: Float = 0
    /// Of the step.
    var log2Scale: Float = 0
    /// Of the scale inside r.
    var log2InnerScale: Float = 0
  }

  /// Straight through the rounding, none through the clipping.
  ///
  /// With h = G s where q was not clipped and S = sum of h y:
  /// dL/dps = -S / ps, dL/dd = -S / (ps k), dL/dk = S / k, dL/dw = h / ps + sign(w + z) dL/dd, less
  /// its mean where centred.
  func gradients(
    row: UnsafeBufferPointer<Float>, upstream: UnsafeBufferPointer<Float>, centred: Bool,
    limit: Int, into weights: UnsafeMutableBufferPointer<Float>
  ) -> Gradients {
    guard !isDegenerate else {
      // The integers are 0 whatever the parameters are.
      weights.update(repeating: 0)
      return Gradients()
    }
    let map = map(limit: limit)
    let sums = snug_row_gradient_reduce(
      row.baseAddress, upstream.baseAddress, row.count, map)
    let perClamped = sums.passed_y / Double(clamped)
    let perDistance = -perClamped / Double(preScale)
    let mean =
      centred
      ? (sums.passed / Double(preScale) + sums.signs * perDistance) / Double(row.count) : 0
    snug_row_gradient(
      row.baseAddress, upstream.baseAddress, row.count, map, Float(perDistance), Float(mean),
      weights.baseAddress)
    // d(g / s) / d(log2 g) = ln2 r, and the negative of it by log2 s.
    let perRatio = Double(clampDerivative) * perClamped * Double(ln2) * Double(ratio)
    return Gradients(
      log2Norm: Float(perRatio), log2Scale: Float(sums.codes * Double(ln2) * Double(scale)),
      log2InnerScale: Float(-perRatio))
  }
}

/// d(2^x)/dx = ln2 2^x.
let ln2: Float = 0.693_147_180_559_945_3
