import ArgumentParser
import Snug

extension Recipe.Gradient: ExpressibleByArgument {}
extension OptimizerKind: ExpressibleByArgument {}
extension LossKind: ExpressibleByArgument {}
extension NormalizationMode: ExpressibleByArgument {}

extension LearningRateSchedule: ExpressibleByArgument {
  public init?(argument: String) {
    guard let schedule = try? LearningRateSchedule(parsing: argument) else { return nil }
    self = schedule
  }
}

extension WarmUp: ExpressibleByArgument {
  public init?(argument: String) {
    guard let warmUp = try? WarmUp(parsing: argument) else { return nil }
    self = warmUp
  }
}

extension Augmentation: ExpressibleByArgument {
  public init?(argument: String) {
    guard let augmentation = try? Augmentation(parsing: argument) else { return nil }
    self = augmentation
  }
}

/// How a model is fine-tuned. A `nil` leaves what the recipe file says, or else the default.
struct TrainingOptionGroup: ParsableArguments {
  private static let defaults = TrainingSettings()
  /// Of `--checkpoint-minutes`: two years.
  private static let mostMinutes = 1e6

  @Option(
    help: ArgumentHelp(
      "Passes of fine-tuning over --data (default: 0 for convert, \(FinetuneCommand.epochs) for finetune).",
      valueName: "count"))
  var epochs: Int?

  @Option(
    help: ArgumentHelp(
      "Samples of a training step (default: \(defaults.batchSize)).", valueName: "count"))
  var batchSize: Int?

  @Option(
    help: ArgumentHelp(
      "Learning rate that the schedule scales (default: \(defaults.learningRate)).",
      valueName: "rate"))
  var learningRate: Double?

  @Option(help: "Update rule (default: \(defaults.optimizer.kind.rawValue)).")
  var optimizer: OptimizerKind?

  @Option(
    help: ArgumentHelp(
      "Momentum of sgd (default: \(defaults.optimizer.momentum)).", valueName: "share"))
  var momentum: Double?

  @Option(
    help: ArgumentHelp(
      "How the learning rate falls: constant, step:EPOCHS:FACTOR, exponential:FACTOR, or cosine[:FLOOR] (default: \(defaults.schedule)).",
      valueName: "schedule"))
  var schedule: LearningRateSchedule?

  @Option(
    help: ArgumentHelp(
      "Linear rise of the learning rate at the beginning: none, steps:COUNT or epochs:COUNT (default: \(defaults.warmUp)).",
      valueName: "length"))
  var warmUp: WarmUp?

  @Option(
    help: ArgumentHelp(
      "Decay of the layers' weights; none of scales, norms, biases and normalisations (default: \(defaults.optimizer.weightDecay)).",
      valueName: "factor"))
  var weightDecay: Double?

  @Option(
    help: ArgumentHelp(
      "Factor lambda of the penalty on norms beyond their bound (default: \(defaults.regularization)).",
      valueName: "lambda"))
  var regularization: Double?

  @Option(
    help:
      "How gradients pass the projection of method exact: as if it were not there, or by its derivative (default: \(Recipe().gradient.rawValue))."
  )
  var gradient: Recipe.Gradient?

  @Option(
    help:
      "What is minimised; 'distill' imitates the float model and needs no labels (default: by what the data has)."
  )
  var loss: LossKind?

  @Option(
    help: ArgumentHelp(
      "Share of a label's weight that goes to all classes (default: \(defaults.labelSmoothing)).",
      valueName: "share"))
  var labelSmoothing: Double?

  @Option(
    help: ArgumentHelp(
      "Temperature of distillation (default: \(defaults.temperature)).", valueName: "t"))
  var temperature: Double?

  @Option(
    help: ArgumentHelp(
      "Random changes of images: a list of flip, vflip, crop=PIXELS, jitter=STRENGTH, and patch=PIXELS for super-resolution; or none (default: \(defaults.augmentation)).",
      valueName: "list"))
  var augment: Augmentation?

  @Option(help: "Statistics that batch normalisation trains with (default: batch).")
  var batchNormalization: NormalizationMode?

  @Option(
    help: ArgumentHelp(
      "The largest norm of all gradients together (default: any).", valueName: "norm"))
  var clipGradients: Double?

  @Option(
    help: ArgumentHelp(
      "Decay of a moving average of the parameters, which is then exported (default: none).",
      valueName: "decay"))
  var weightAverage: Double?

  @Option(
    help: ArgumentHelp(
      "Epochs from one validation to the next; the last one has one anyway (default: \(defaults.validationInterval)).",
      valueName: "count"))
  var validationInterval: Int?

  @Option(
    help: ArgumentHelp(
      "Epochs without improvement on --validation to end after (default: none).",
      valueName: "count"))
  var patience: Int?

  @Option(
    help: ArgumentHelp(
      "Folder of states to resume from: the same command goes on where it was stopped (default: none).",
      valueName: "folder"))
  var checkpointDir: StateFolderPath?

  @Option(
    help: ArgumentHelp(
      "Minutes between two saved states (default: 5); each epoch's end has one anyway.",
      valueName: "minutes"))
  var checkpointMinutes: Double?

  @Option(
    help: ArgumentHelp(
      "Log of the training: rows as CSV, or as JSON lines where the name ends in .jsonl (default: none).",
      valueName: "file"))
  var log: [LogOutputPath] = []

  @Option(
    help: ArgumentHelp(
      "Curves of loss and metric as an SVG file; a run that was resumed has those before from its --log (default: none).",
      valueName: "file.svg"))
  var plot: OutputPath?

  func validate() throws {
    for isJSON in [false, true]
    where log.count(where: { isJSON == $0.path.hasSuffix(".jsonl") }) > 1 {
      throw ValidationError("--log is given twice for one format; give one CSV and one .jsonl file")
    }
    let positive: [(String, Double?)] = [
      ("learning-rate", learningRate), ("temperature", temperature),
      ("clip-gradients", clipGradients),
    ]
    for case (let name, let value?) in positive where !(value > 0 && value.isFinite) {
      throw ValidationError("--\(name) is \(value); allowed: positive numbers")
    }
    if let checkpointMinutes, !(checkpointMinutes > 0 && checkpointMinutes <= Self.mostMinutes) {
      throw ValidationError(
        "--checkpoint-minutes is \(checkpointMinutes); allowed: above 0 to \(Int(Self.mostMinutes))"
      )
    }
    let shares: [(String, Double?)] = [
      ("momentum", momentum), ("label-smoothing", labelSmoothing),
      ("weight-average", weightAverage),
    ]
    for case (let name, let value?) in shares where !(0..<1).contains(value) {
      throw ValidationError("--\(name) is \(value); allowed: 0 to below 1")
    }
    let factors: [(String, Double?)] = [
      ("weight-decay", weightDecay), ("regularization", regularization),
    ]
    for case (let name, let value?) in factors where !(value >= 0 && value.isFinite) {
      throw ValidationError("--\(name) is \(value); allowed: 0 and positive numbers")
    }
    let counts: [(String, Int?, ClosedRange<Int>)] = [
      ("epochs", epochs, 0...100_000), ("batch-size", batchSize, 1...65536),
      ("patience", patience, 0...100_000), ("validation-interval", validationInterval, 1...100_000),
    ]
    for case (let name, let value?, let range) in counts where !range.contains(value) {
      throw ValidationError(
        "--\(name) is \(value); allowed: \(range.lowerBound) to \(range.upperBound)")
    }
  }

  /// Puts the flags that were given over `options`.
  func apply(to options: inout ConversionOptions) {
    if let epochs { options.training.epochs = epochs }
    if let batchSize { options.training.batchSize = batchSize }
    if let learningRate { options.training.learningRate = learningRate }
    if let optimizer { options.training.optimizer.kind = optimizer }
    if let momentum { options.training.optimizer.momentum = momentum }
    if let schedule { options.training.schedule = schedule }
    if let warmUp { options.training.warmUp = warmUp }
    if let weightDecay { options.training.optimizer.weightDecay = weightDecay }
    if let regularization { options.training.regularization = regularization }
    if let gradient { options.recipe.gradient = gradient }
    if let loss { options.training.loss = loss }
    if let labelSmoothing { options.training.labelSmoothing = labelSmoothing }
    if let temperature { options.training.temperature = temperature }
    if let augment { options.training.augmentation = augment }
    if let batchNormalization {
      options.training.computation.freezesNormalization = batchNormalization == .frozen
    }
    if let clipGradients { options.training.gradientClipping = clipGradients }
    if let weightAverage { options.training.weightAverage = weightAverage }
    if let validationInterval { options.training.validationInterval = validationInterval }
    if let patience { options.training.patience = patience }
    if let checkpointMinutes {
      options.training.checkpointInterval = .seconds(checkpointMinutes * 60)
    }
    options.trainingOutputs.checkpoints = checkpointDir?.path
    for path in log.map(\.path) {
      if path.hasSuffix(".jsonl") {
        options.trainingOutputs.jsonLines = path
      } else {
        options.trainingOutputs.csv = path
      }
    }
    options.trainingOutputs.plot = plot?.path
  }
}
