/// One row of the training log.
package struct TrainingRecord: Sendable, Hashable {
  /// The number of optimizer steps taken.
  package var step: Int
  /// The number of passes over the data, with the fraction of the current one that is done.
  package var epoch: Double
  /// The learning rate of the last step.
  package var learningRate: Double
  /// The mean loss of a step since the previous row, without the penalty.
  package var loss: Double
  /// The mean penalty that a step since the previous row added to the loss.
  package var penalty: Double
  /// The mean norm of the gradients before clipping since the previous row; `nil` where it was not measured.
  package var gradientNorm: Double?
  /// Training throughput over recent steps, in samples per second.
  package var samplesPerSecond: Double
  /// The metric on held-out samples, in rows that end an epoch with validation.
  package var validation: Double?

  package init(
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
