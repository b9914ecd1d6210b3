import Datasets
import Operators

/// What decides a training, besides the model and the data.
public struct TrainingSettings: Sendable {
  public var epochs = 1
  public var batchSize = 64
  /// The rate that the schedule scales.
  public var learningRate = 0.001
  public var optimizer = OptimizerSettings(.adam)
  public var schedule = LearningRateSchedule.cosine(floor: 0)
  public var warmUp = WarmUp.none
  /// lambda of the penalty on norms beyond their bound (arXiv 2401.10432, eq. 42).
  public var regularization = 0.001
  /// `nil` takes what the data has: labels, targets, or else the float model.
  public var loss: LossKind?
  /// Whether outputs are scores of classes, which distillation compares as distributions, or numbers, compared as
  /// they are; `nil` tells from shape and data.
  public var outputsAreScores: Bool?
  public var labelSmoothing = 0.0
  /// Of distillation.
  public var temperature = 1.0
  public var augmentation = Augmentation.none
  /// The largest norm of all gradients together; `nil` for any.
  public var gradientClipping: Double?
  /// Decay of a moving average of the parameters, which is then what is exported; `nil` for none.
  public var weightAverage: Double?
  /// Epochs without improvement on the validation data to end after; `nil` for none.
  public var patience: Int?
  public var computation = TrainingOptions()
  /// Epochs from one validation to the next; the last epoch has one anyway.
  public var validationInterval = 1
  /// Seed of order and augmentation.
  public var seed = 0
  /// Steps between two rows of the log; an epoch's last step has one anyway.
  public var logInterval = 20
  /// Time between two saved states within an epoch.
  public var checkpointInterval = Duration.seconds(300)

  public init() {}
}
