/// How far a training has come, after each step and each validation.
public struct TrainingProgress: Sendable, Hashable {
  /// Optimizer steps taken.
  public var step: Int
  public var totalSteps: Int
  /// Counted from 0.
  public var epoch: Int
  public var epochs: Int
  public var samplesPerSecond: Double
  /// Smoothed over recent steps, without the penalty.
  public var loss: Double
  public var penalty: Double
  public var learningRate: Double
  /// Of the last validation.
  public var metric: Double?
  /// Seconds to the end at the present rate, validation left out.
  public var remainingSeconds: Double
}

/// What a training did.
public struct TrainingSummary: Sendable, Hashable {
  /// Of the whole training, also of what an earlier run did.
  public var steps: Int
  public var epochs: Int
  public var samplesPerSecond: Double
  /// Over the steps of this run; 0 where it took none.
  public var medianStepSeconds: Double
  /// The mean over the rows of the last epoch.
  public var finalLoss: Double
  /// The best value on validation data, and its epoch, counted from 1.
  public var bestMetric: Double?
  public var bestEpoch: Int?
  /// Bytes of the tensors between forward and backward.
  public var arenaByteCount: Int
  /// Seconds by kind of step, most first; empty unless asked for.
  public var profile: [Share]

  /// The time that one kind of step took.
  public struct Share: Sendable, Hashable {
    public var label: String
    public var seconds: Double
  }
}
