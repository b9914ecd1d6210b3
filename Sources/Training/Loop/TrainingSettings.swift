import Datasets
import Execution

/// What determines a training, besides the model and the data.
public struct TrainingSettings: Sendable {
  public var epochs = 1
  public var batchSize = 64
  /// The initial learning rate, which the schedule scales.
  public var learningRate = 0.001
  public var optimizer = OptimizerSettings(.adam)
  public var schedule = LearningRateSchedule.cosine(floor: 0)
  public var warmUp = WarmUp.none
  /// The factor lambda of the penalty on norms beyond their bound (arXiv 2401.10432, eq. 42).
  public var regularization = 0.001
  /// The loss; `nil` chooses it by what the data has: labels, targets, or neither, for which the float model is
  /// imitated.
  public var loss: LossKind?
  /// Whether the outputs are class scores, which distillation compares as distributions, or numbers, which it
  /// compares by value; `nil` decides by the model's last node, the output's shape and the data.
  public var outputsAreScores: Bool?
  public var labelSmoothing = 0.0
  /// The temperature of softmax in distillation.
  public var temperature = 1.0
  public var augmentation = Augmentation.none
  /// The largest norm of all gradients together; `nil` for no limit.
  public var gradientClipping: Double?
  /// The decay of a moving average of the parameters, which is then what is validated and exported; `nil` for none.
  public var weightAverage: Double?
  /// The epochs without improvement on the validation data that are borne before training ends; `nil` for no early
  /// end.
  public var patience: Int?
  public var computation = KernelOptions()
  /// The epochs from one validation to the next; the last epoch always has one.
  public var validationInterval = 1
  /// The seed of the order of samples and of augmentation.
  public var seed = 0
  /// The steps between two rows of the log; the last step of an epoch always has one.
  public var logInterval = 20
  /// The time between two saved states within an epoch.
  public var checkpointInterval = Duration.seconds(300)

  public init() {}
}
