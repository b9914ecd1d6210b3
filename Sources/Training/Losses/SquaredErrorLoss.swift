import CKernels

/// The mean of (output - target)^2 over all elements of a batch.
///
/// Results don't depend on the number of threads.
package struct SquaredErrorLoss: Sendable, Hashable {
  package init() {}

  /// The mean loss, and its gradient 2 (output - target) / count.
  ///
  /// - Parameters:
  ///   - outputs: the outputs for the whole batch, in any order.
  ///   - targets: the targets in the same order; in distillation, the teacher's outputs.
  ///   - gradient: receives the gradient of the mean by `outputs`, if given; may be the memory of `outputs`.
  /// - Returns: the mean loss; NaN where an output is NaN.
  /// - Throws: ``LossError`` where sizes don't fit.
  package func mean(
    _ outputs: UnsafeBufferPointer<Float>, targets: UnsafeBufferPointer<Float>,
    gradient: UnsafeMutableBufferPointer<Float>? = nil
  ) throws(LossError) -> Double {
    guard !outputs.isEmpty else { throw .empty }
    guard targets.count == outputs.count else {
      throw .count(.targets, expected: outputs.count, actual: targets.count)
    }
    if let gradient, gradient.count != outputs.count {
      throw .count(.gradient, expected: outputs.count, actual: gradient.count)
    }
    let count = Double(outputs.count)
    let sum = Chunks.sum(count: outputs.count, sharing: outputs, targets, gradient) {
      range, outputs, targets, gradient in
      let at = range.lowerBound
      return snug_squared_error(
        outputs.baseAddress.map { $0 + at }, targets.baseAddress.map { $0 + at }, range.count,
        Float(2 / count), gradient?.baseAddress.map { $0 + at })
    }
    return sum / count
  }
}
