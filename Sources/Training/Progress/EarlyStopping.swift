/// Ends a training once a metric has not improved for some epochs.
package struct EarlyStopping: Sendable, Hashable {
  /// The number of epochs without improvement that are borne; the next ends the training. At least 0.
  package let patience: Int
  /// The margin by which a value must be better to count as an improvement.
  package let margin: Double
  package let direction: MetricDirection
  /// The value that the next one must improve on.
  package private(set) var reference: Double?
  /// The number of epochs since the last improvement.
  package private(set) var epochsWithout: Int

  /// - Parameters:
  ///   - reference: the value from a checkpoint, where a run resumes.
  ///   - epochsWithout: the count from a checkpoint, where a run resumes.
  package init(
    patience: Int, _ direction: MetricDirection, margin: Double = 0, reference: Double? = nil,
    epochsWithout: Int = 0
  ) {
    precondition(patience >= 0 && margin >= 0, "negative patience or margin")
    self.patience = patience
    self.margin = margin
    self.direction = direction
    self.reference = reference
    self.epochsWithout = epochsWithout
  }

  /// Takes in the value after an epoch; one that is not finite is no improvement.
  ///
  /// - Returns: whether the training should end.
  package mutating func observe(_ value: Double) -> Bool {
    let improves = reference.map { direction.isBetter(value, than: $0, margin: margin) } ?? true
    if value.isFinite, improves {
      reference = value
      epochsWithout = 0
    } else {
      epochsWithout += 1
    }
    return epochsWithout > patience
  }
}
