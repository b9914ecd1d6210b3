import TensorCore

/// Cross-entropy between the probabilities p of a row and its label, in nats: the negative sum over the classes of
/// t log p, where the targets t are (1 - e) + e / classes for the label and e / classes for any other class (label
/// smoothing, Szegedy et al. 2016, section 7).
///
/// Results don't depend on the number of threads.
package struct CrossEntropyLoss: Sendable, Hashable {
  package let scores: ScoreKind
  /// The share e of the probability that is spread over all classes, in 0..<1.
  package let labelSmoothing: Double

  /// - Throws: ``LossError/setting(_:actual:)`` where the smoothing is out of range.
  package init(_ scores: ScoreKind, labelSmoothing: Double = 0) throws(LossError) {
    guard labelSmoothing >= 0, labelSmoothing < 1 else {
      throw .setting(.labelSmoothing, actual: labelSmoothing)
    }
    self.scores = scores
    self.labelSmoothing = labelSmoothing
  }

  /// The mean loss of a batch, and its gradient.
  ///
  /// - Parameters:
  ///   - outputs: the scores, row-major, of shape [labels.count, classes].
  ///   - gradient: receives the gradient of the mean by `outputs`, if given; may be the memory of `outputs`.
  /// - Returns: the mean loss; NaN where an output is NaN.
  /// - Throws: ``LossError`` where sizes or labels don't fit.
  package func mean(
    _ outputs: UnsafeBufferPointer<Float>, labels: [Int],
    gradient: UnsafeMutableBufferPointer<Float>? = nil
  ) throws(LossError) -> Double {
    let classes = try RowLoss.classes(
      rows: labels.count, outputs: outputs.count, gradient: gradient?.count)
    for (row, label) in labels.enumerated() where !(0..<classes).contains(label) {
      throw .label(row: row, label: label, classes: classes)
    }
    guard let outputs = outputs.baseAddress else { throw .empty }
    let share = 1 / Double(labels.count)
    return RowLoss.mean(
      rows: labels.count, classes: classes, sharing: outputs, gradient?.baseAddress
    ) {
      row, outputs, gradient in
      let start = row * classes
      return self.row(
        outputs + start, label: labels[row], classes: classes, share: share,
        gradient: gradient.map { $0 + start })
    }
  }

  private func row(
    _ outputs: UnsafePointer<Float>, label: Int, classes: Int, share: Double,
    gradient: UnsafeMutablePointer<Float>?
  ) -> Double {
    let even = labelSmoothing / Double(classes)
    // Probabilities are taken as they are: a row that doesn't sum to one isn't normalized.
    let shift = scores == .logits ? RowLoss.logarithmicSum(outputs, classes, scores) : 0
    var loss = 0.0
    for index in 0..<classes {
      let target = even + (index == label ? 1 - labelSmoothing : 0)
      let logarithm = RowLoss.logit(outputs[index], scores) - shift
      // A class with target 0 may have probability 0, whose logarithm would make the product NaN.
      if target > 0 || logarithm.isNaN { loss -= target * logarithm }
      guard let gradient else { continue }
      let probability = exp(logarithm)
      gradient[index] = Float(
        scores == .logits
          ? share * (probability - target) : target == 0 ? 0 : -share * target / probability)
    }
    return loss
  }
}
