import CKernels
import TensorCore

/// Limits the global norm of the gradients: multiplies them by min(1, limit / (norm + 1e-6)), where the norm is that
/// of all segments together (Pascanu et al. 2013, in the form of torch.nn.utils.clip_grad_norm_).
///
/// Sums are taken in double precision, in the same order for any number of threads.
package struct GradientClipping: Sendable, Hashable {
  /// The limit; with `nil` the norm is only measured.
  package let maximumNorm: Double?

  /// - Throws: ``OptimizerError`` where the limit is not positive.
  package init(maximumNorm: Double?) throws(OptimizerError) {
    if let maximumNorm, !OptimizerError.Requirement.positive.admits(maximumNorm) {
      throw .setting(.maximumNorm, expected: .positive, actual: maximumNorm)
    }
    self.maximumNorm = maximumNorm
  }

  /// Scales the gradients down where their norm exceeds the limit.
  ///
  /// - Parameter segments: the segments of `gradients`, for messages.
  /// - Returns: the norm before clipping.
  /// - Throws: ``GradientError/notFinite(segment:element:isNaN:)``, with the gradients unchanged.
  @discardableResult package func apply(
    _ gradients: UnsafeMutableBufferPointer<Float>, segments: [ParameterSegment]
  ) throws(GradientError) -> Double {
    let norm = Self.norm(UnsafeBufferPointer(gradients))
    guard norm.isFinite else {
      throw Self.firstNotFinite(UnsafeBufferPointer(gradients), segments: segments)
    }
    if let maximumNorm, maximumNorm < norm + 1e-6 {
      let factor = Float(maximumNorm / (norm + 1e-6))
      Parallelism.forEachRange(count: gradients.count, grain: Chunks.length, sharing: gradients) {
        range, gradients in
        snug_scale(
          gradients.baseAddress.map { $0 + range.lowerBound }, range.count, factor)
      }
    }
    return norm
  }

  /// The Euclidean norm, which is finite if and only if all elements are.
  static func norm(_ gradients: UnsafeBufferPointer<Float>) -> Double {
    return Chunks.sum(count: gradients.count, sharing: gradients) { range, gradients in
      snug_square_sum(gradients.baseAddress.map { $0 + range.lowerBound }, range.count)
    }.squareRoot()
  }

  private static func firstNotFinite(
    _ gradients: UnsafeBufferPointer<Float>, segments: [ParameterSegment]
  ) -> GradientError {
    let index = snug_first_not_finite(gradients.baseAddress, gradients.count)
    let segment = segments.first { $0.range.contains(index) }
    return .notFinite(
      segment: segment?.name ?? "", element: index - (segment?.range.lowerBound ?? 0),
      isNaN: gradients[index].isNaN)
  }
}
