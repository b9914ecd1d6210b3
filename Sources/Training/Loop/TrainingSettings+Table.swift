import Datasets
import Quantization

extension TrainingSettings: SettingTable {
  /// Passes over the data of a training that doesn't say how many.
  public static let usualEpochs = 10

  /// What decides a training, besides the model and the data.
  package static let settings: [Setting<TrainingSettings>] = [
    Setting(
      "epochs", \.epochs, .integer(0...100_000), fallback: 0,
      "Passes of fine-tuning over --data", placeholder: "count",
      defaultText: "0 for convert, \(usualEpochs) for finetune"),
    Setting(
      "batch-size", \.batchSize, .integer(1...65536), fallback: defaults.batchSize,
      "Samples of a training step", placeholder: "count"),
    Setting(
      "learning-rate", \.learningRate, .number(.positive), fallback: defaults.learningRate,
      "Learning rate that the schedule scales", placeholder: "rate"),
    Setting(
      "optimizer", \.optimizer.kind, .choice(), fallback: defaults.optimizer.kind, "Update rule"),
    Setting(
      "momentum", \.optimizer.momentum, .number(.share), fallback: defaults.optimizer.momentum,
      "Momentum of sgd", placeholder: "share"),
    Setting(
      "weight-decay", \.optimizer.weightDecay, .number(.nonnegative),
      fallback: defaults.optimizer.weightDecay,
      "Decay of the layers' weights; none of scales, norms, biases and normalisations",
      placeholder: "factor"),
    Setting(
      "schedule", \.schedule, .text { try LearningRateSchedule(parsing: $0) },
      fallback: defaults.schedule,
      "How the learning rate falls: constant, step:EPOCHS:FACTOR, exponential:FACTOR, or cosine[:FLOOR]",
      placeholder: "schedule"),
    Setting(
      "warm-up", \.warmUp, .text { try WarmUp(parsing: $0) }, fallback: defaults.warmUp,
      "Linear rise of the learning rate at the beginning: none, steps:COUNT or epochs:COUNT",
      placeholder: "length"),
    Setting(
      "regularization", \.regularization, .number(.nonnegative), fallback: defaults.regularization,
      "Factor lambda of the penalty on norms beyond their bound", placeholder: "lambda"),
    Setting(
      "loss", \.loss, .choice(),
      "What is minimised; 'distill' imitates the float model and needs no labels",
      defaultText: "by what the data has"),
    Setting(
      "label-smoothing", \.labelSmoothing, .number(.share), fallback: defaults.labelSmoothing,
      "Share of a label's weight that goes to all classes", placeholder: "share"),
    Setting(
      "temperature", \.temperature, .number(.positive), fallback: defaults.temperature,
      "Temperature of distillation", placeholder: "t"),
    Setting(
      "augment", \.augmentation, .text { try Augmentation(parsing: $0) },
      fallback: defaults.augmentation,
      "Random changes of images: a list of flip, vflip, crop=PIXELS, jitter=STRENGTH, and patch=PIXELS for super-resolution; or none",
      placeholder: "list"),
    Setting(
      "batch-normalization", \.normalizationMode, .choice(), fallback: defaults.normalizationMode,
      "Statistics that batch normalisation trains with"),
    Setting(
      "validation-interval", \.validationInterval, .integer(1...100_000),
      fallback: defaults.validationInterval,
      "Epochs from one validation to the next; the last one has one anyway", placeholder: "count",
      isOptional: true),
    Setting(
      "clip-gradients", \.gradientClipping, .number(.positive),
      "The largest norm of all gradients together", placeholder: "norm", defaultText: "any"),
    Setting(
      "weight-average", \.weightAverage, .number(.share),
      "Decay of a moving average of the parameters, which is then exported", placeholder: "decay",
      defaultText: "none"),
    Setting(
      "patience", \.patience, .integer(0...100_000),
      "Epochs without improvement on --validation to end after", placeholder: "count",
      defaultText: "none"),
  ]

  private static let defaults = TrainingSettings()

  /// Which statistics batch normalisation trains with.
  public enum NormalizationMode: String, Sendable, Hashable, CaseIterable {
    /// Those of the batch, which enter the running ones.
    case batch
    /// The running ones, which stay.
    case frozen
  }

  /// Which statistics batch normalisation trains with; part of ``computation``.
  public var normalizationMode: NormalizationMode {
    get { computation.freezesNormalization ? .frozen : .batch }
    set { computation.freezesNormalization = newValue == .frozen }
  }
}
