/// How far a training has come after a step.
public struct TrainingProgress: Sendable, Hashable {
  /// The number of optimizer steps taken.
  public var step: Int
  /// The number of optimizer steps of the whole training.
  public var totalSteps: Int
  /// The epoch of the step, counted from 0.
  public var epoch: Int
  public var epochs: Int
  public var samplesPerSecond: Double
  /// The loss, smoothed over recent steps, without the penalty.
  public var loss: Double
  public var penalty: Double
  public var learningRate: Double
  /// The metric of the last validation.
  public var metric: Double?
  /// The seconds to the end at the present rate, without validation.
  public var remainingSeconds: Double
}

/// What a training did.
public struct TrainingSummary: Sendable, Hashable {
  /// The number of steps of the whole training, including those of earlier runs that this one resumed.
  public var steps: Int
  public var epochs: Int
  public var samplesPerSecond: Double
  /// The median time of this run's steps in seconds; 0 where it took none.
  public var medianStepSeconds: Double
  /// The mean loss over the steps of the last whole epoch.
  public var finalLoss: Double
  /// The best value of the metric on validation data.
  public var bestMetric: Double?
  /// The epoch of ``bestMetric``, counted from 1.
  public var bestEpoch: Int?
  /// The bytes that the tensors between forward and backward take.
  public var arenaByteCount: Int
  /// The time by kind of operation, most first; empty unless asked for.
  public var profile: [Share]

  /// The time that one kind of operation took.
  public struct Share: Sendable, Hashable {
    public var label: String
    public var seconds: Double
  }
}
