import CKernels

/// The exact Euclidean projection onto an l1 ball (EP-init; arXiv 2401.10432, eq. 10 to 15; Duchi et
/// al. 2008): w stays where |w|_1 <= R, else sign(w) max(|w| - theta, 0). O(K).
package enum L1Projection {
  /// Projects finite weights in place.
  package static func project(_ weights: UnsafeMutableBufferPointer<Float>, radius: Float) {
    project(
      weights, norm: snug_row_absolute(weights.baseAddress, weights.count, 0).sum, radius: radius)
  }

  /// Projects weights whose l1 norm is known.
  static func project(
    _ weights: UnsafeMutableBufferPointer<Float>, norm: Double, radius: Float
  ) {
    guard Float(norm) > radius else { return }
    let threshold = withUnsafeTemporaryAllocation(
      of: UInt32.self, capacity: 2 * weights.count
    ) { scratch in
      snug_l1_threshold(weights.baseAddress, weights.count, norm, radius, scratch.baseAddress)
    }
    snug_soft_threshold(weights.baseAddress, weights.count, threshold)
  }
}
