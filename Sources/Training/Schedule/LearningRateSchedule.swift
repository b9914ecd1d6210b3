import TensorCore

/// The learning rate over a training, as a pure function of the step.
///
/// Its text is `constant`, `step:30:0.1`, `exponential:0.9`, `cosine` or `cosine:0.01`, and ``description`` gives
/// that text.
public enum LearningRateSchedule: Sendable, Hashable {
  case constant
  /// The rate is multiplied by `factor` after every `epochs` epochs.
  case step(epochs: Int, factor: Double)
  /// The rate is multiplied by `factor` after every epoch.
  case exponential(factor: Double)
  /// The rate falls along half a cosine to `floor` times the initial rate at the end of the last epoch (Loshchilov
  /// and Hutter 2017, equation 5, without restarts).
  case cosine(floor: Double = 0)

  /// The factor by which the initial rate is multiplied in a step.
  ///
  /// Warm-up multiplies the schedule by a line that reaches 1 in the last of its steps. Step and
  /// exponential count epochs from the start; the cosine begins where the warm-up ends.
  ///
  /// - Parameters:
  ///   - step: the number of optimizer steps before this one.
  ///   - stepsPerEpoch: the number of optimizer steps in an epoch, at least 1.
  ///   - totalEpochs: the number of epochs of the whole training.
  public func factor(
    step: Int, stepsPerEpoch: Int, totalEpochs: Int, warmUp: WarmUp = .none
  ) -> Double {
    precondition(step >= 0 && stepsPerEpoch >= 1 && totalEpochs >= 0, "no such step")
    let warmUpSteps = warmUp.steps(perEpoch: stepsPerEpoch)
    let epoch = step / stepsPerEpoch
    let line = min(1, (Double(step) + 1) / max(warmUpSteps, 1))
    let shape =
      switch self {
      case .constant: 1.0
      case .step(let epochs, let factor): pow(factor, Double(epoch / epochs))
      case .exponential(let factor): pow(factor, Double(epoch))
      case .cosine(let floor):
        floor + (1 - floor) * 0.5
          * (1 + cos(.pi * progress(step, after: warmUpSteps, stepsPerEpoch, totalEpochs)))
      }
    return line * shape
  }

  /// The fraction of the steps after the warm-up that is done, in 0...1.
  private func progress(
    _ step: Int, after warmUpSteps: Double, _ stepsPerEpoch: Int, _ totalEpochs: Int
  ) -> Double {
    let whole = Double(stepsPerEpoch) * Double(totalEpochs) - warmUpSteps
    let done = Double(step) - warmUpSteps
    return done <= 0 ? 0 : whole <= 0 ? 1 : min(1, done / whole)
  }
}
