import Foundation

/// Gradients of a per-tensor quantizer y = s clip(round(x / s), qmin, qmax), s = 2^p / steps, one element at a time.
///
/// Held against vectors of Brevitas, and what the product trains with is held against this.
///
/// - Parameters:
///   - upstream: the gradients of y.
///   - range: qmin and qmax.
/// - Returns: the gradients of x, straight through where it wasn't clipped, and that of p.
public func quantizerGradient(
  _ x: [Float], upstream: [Float], scale: Float, range: ClosedRange<Int>
) -> (x: [Float], statistic: Float) {
  let (low, high) = (Float(range.lowerBound), Float(range.upperBound))
  var sum = 0.0
  let gradients = zip(x, upstream).map { value, upstream -> Float in
    let code = (value / scale).rounded(.toNearestOrEven)
    let clipped = min(max(code, low), high)
    let isInside = clipped == code
    sum += Double(upstream * (isInside ? clipped - value / scale : clipped))
    return isInside ? upstream : 0
  }
  return (gradients, Float(sum * log(2) * Double(scale)))
}
