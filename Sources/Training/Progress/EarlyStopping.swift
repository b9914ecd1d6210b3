/// Ends a training once a metric has not improved for some epochs.
public struct EarlyStopping: Sendable, Hashable {
  /// The number of epochs without improvement that are borne; the next ends the training. At least 0.
  public let patience: Int
  /// The margin by which a value must be better to count as an improvement.
  public let margin: Double
  public let direction: MetricDirection
  /// The value that the next one must improve on.
  public private(set) var reference: Double?
  /// The number of epochs since the last improvement.
  public private(set) var epochsWithout: Int

  /// - Parameters:
  ///   - reference: the value from a checkpoint, where a run resumes.
  ///   - epochsWithout: the count from a checkpoint, where a run resumes.
  public init(
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
  public mutating func observe(_ value: Double) -> Bool {
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
