import TensorCore

/// The distance of a student's probabilities p from its teacher's q, in nats: T^2 times the sum over the classes of
/// q log(q / p), both softmax at temperature T (Hinton et al. 2015, section 2). T^2 keeps the size of gradients.
///
/// For images and numbers, distillation is ``SquaredErrorLoss`` against the teacher's outputs.
/// Results don't depend on the number of threads.
package struct DistillationLoss: Sendable, Hashable {
  /// What both models' outputs hold; the logits of probabilities are their logarithms.
  package let scores: ScoreKind
  /// The temperature T, positive.
  package let temperature: Double

  /// - Throws: ``LossError/setting(_:actual:)`` where the temperature is not positive, or it or its inverse not
  ///   finite.
  package init(_ scores: ScoreKind, temperature: Double = 1) throws(LossError) {
    guard temperature > 0, temperature.isFinite, (1 / temperature).isFinite else {
      throw .setting(.temperature, actual: temperature)
    }
    self.scores = scores
    self.temperature = temperature
  }

  /// The mean loss of a batch, and its gradient.
  ///
  /// - Parameters:
  ///   - outputs: the student's outputs, row-major, of shape [rows, classes].
  ///   - teacher: the teacher's outputs, of the same shape.
  ///   - gradient: receives the gradient of the mean by `outputs`, if given; may be the memory of `outputs`.
  /// - Returns: the mean loss; NaN where an output is NaN.
  /// - Throws: ``LossError`` where sizes don't fit.
  package func mean(
    _ outputs: UnsafeBufferPointer<Float>, teacher: UnsafeBufferPointer<Float>, rows: Int,
    gradient: UnsafeMutableBufferPointer<Float>? = nil
  ) throws(LossError) -> Double {
    let classes = try RowLoss.classes(
      rows: rows, outputs: outputs.count, gradient: gradient?.count)
    guard teacher.count == outputs.count else {
      throw .count(.teacher, expected: outputs.count, actual: teacher.count)
    }
    guard let outputs = outputs.baseAddress, let teacher = teacher.baseAddress else { throw .empty }
    let share = temperature / Double(rows)
    return RowLoss.mean(
      rows: rows, classes: classes, sharing: outputs, teacher, gradient?.baseAddress
    ) {
      row, outputs, teacher, gradient in
      let start = row * classes
      return self.row(
        outputs + start, teacher: teacher + start, classes: classes, share: share,
        gradient: gradient.map { $0 + start })
    }
  }

  private func row(
    _ outputs: UnsafePointer<Float>, teacher: UnsafePointer<Float>, classes: Int, share: Double,
    gradient: UnsafeMutablePointer<Float>?
  ) -> Double {
    let factor = 1 / temperature
    let shift = RowLoss.logarithmicSum(outputs, classes, scores, factor: factor)
    let teacherShift = RowLoss.logarithmicSum(teacher, classes, scores, factor: factor)
    var loss = 0.0
    for index in 0..<classes {
      let logit = RowLoss.logit(outputs[index], scores)
      let logarithm = logit * factor - shift
      let reference = RowLoss.logit(teacher[index], scores) * factor - teacherShift
      let target = exp(reference)
      if target != 0 { loss += target * (reference - logarithm) }
      guard let gradient else { continue }
      let byLogit = share * (exp(logarithm) - target)
      gradient[index] = Float(scores == .logits ? byLogit : byLogit / exp(logit))
    }
    return loss * temperature * temperature
  }
}
