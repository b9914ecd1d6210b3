/// One row of the training log.
public struct TrainingRecord: Sendable, Hashable {
  /// Optimizer steps taken.
  public var step: Int
  /// Passes over the data, with the part of the current one that is done.
  public var epoch: Double
  public var learningRate: Double
  /// The mean loss since the row before, without the penalty.
  public var loss: Double
  /// The regularization that was added to the loss.
  public var penalty: Double
  /// The norm before clipping, where it was measured.
  public var gradientNorm: Double?
  public var samplesPerSecond: Double
  /// The metric on held-out samples, in rows that end an epoch.
  public var validation: Double?

  public init(
    step: Int, epoch: Double, learningRate: Double, loss: Double, penalty: Double = 0,
    gradientNorm: Double? = nil, samplesPerSecond: Double, validation: Double? = nil
  ) {
    self.step = step
    self.epoch = epoch
    self.learningRate = learningRate
    self.loss = loss
    self.penalty = penalty
    self.gradientNorm = gradientNorm
    self.samplesPerSecond = samplesPerSecond
    self.validation = validation
  }
}
