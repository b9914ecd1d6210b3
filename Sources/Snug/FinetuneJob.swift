import Datasets
import GraphIR
import OnnxFormat
import Operators
import Quantization
import TensorCore
import Training

/// Who follows a training, and may stop it.
public struct TrainingObserver: Sendable {
  /// Called after each step from the thread that trains; it must return soon.
  public var onStep: @Sendable (TrainingProgress) -> Void
  public var interruption: Interruption
  /// Called before the first step with what the user should know.
  public var onNotice: @Sendable (TrainingNotice) -> Void
  /// Measures each kind of step.
  public var isProfiled: Bool

  public init(
    interruption: Interruption = Interruption(), isProfiled: Bool = false,
    onStep: @escaping @Sendable (TrainingProgress) -> Void = { _ in },
    onNotice: @escaping @Sendable (TrainingNotice) -> Void = { _ in }
  ) {
    self.onStep = onStep
    self.onNotice = onNotice
    self.interruption = interruption
    self.isProfiled = isProfiled
  }
}

/// The fine-tuning part of a conversion.
struct FinetuneJob {
  let file: ModelFile
  let options: ConversionOptions
  let observer: TrainingObserver
  let progress: ProgressHandler

  struct Result {
    var conversion: Conversion
    /// `nil` for a reconstruction.
    var summary: TrainingSummary?
    var seconds: Double
  }

  /// - Parameter floatMetric: of the model before, where there is validation data.
  func run(_ model: Model, _ calibration: DatasetCalibration?, floatMetric: Evaluation?)
    throws(SnugError) -> Result
  {
    let trainable = try file.trainable(
      model, calibration, options, asConverted: false, progress)
    var clock = StageClock()
    let dataset = try openData(trainable.floatGraph)
    let validation = try validation(trainable.floatGraph, floatMetric)
    let configuration = try configuration(dataset)
    try checkBatch(trainable.floatGraph)
    do {
      var settings = options.training
      settings.seed = options.seed
      settings.outputsAreScores = options.preprocessing.task.map { $0 == .classification }
      let trainer = try Trainer(
        trainable, dataset: dataset, settings: settings, validation: validation,
        outputs: options.trainingOutputs, configuration: configuration,
        interruption: observer.interruption, isProfiled: observer.isProfiled)
      if let notice = trainer.notice { observer.onNotice(notice) }
      let (conversion, summary) = try trainer.run(progress: observer.onStep)
      return Result(conversion: conversion, summary: summary, seconds: clock.lap())
    } catch {
      throw .training(file: file.path, error)
    }
  }

  private func openData(_ graph: Graph) throws(SnugError) -> any Dataset {
    guard let data = options.data else { throw .trainingWithoutData }
    // Without labels there is nothing to compare but the float model.
    let request = try options.preprocessing.request(
      for: graph, of: file.path, comparesOutputs: options.training.loss != .distill)
    return try SnugError.wrapping(
      SnugError.dataset, try DatasetLoader.open(path: data, for: request))
  }

  private func validation(_ graph: Graph, _ floatMetric: Evaluation?) throws(SnugError)
    -> Trainer.Validation?
  {
    guard let path = options.validation else { return nil }
    var evaluation = EvaluationOptions()
    evaluation.preprocessing = options.preprocessing
    let dataset = try Evaluator(file: file.path, graph: graph, options: evaluation).open(path)
    let (name, progress) = (file.path, progress)
    let metric = floatMetric?.metric ?? .mse
    return Trainer.Validation(
      metricName: metric.title, direction: metric == .mse ? .lowerIsBetter : .higherIsBetter,
      floatMetric: floatMetric?.value
    ) { graph in
      try Evaluator(file: name, graph: graph, options: evaluation)
        .evaluate(dataset, progress: progress).value
    }
  }

  /// A batch that the file fixes, and that could not be widened, is the only one that it trains in.
  private func checkBatch(_ graph: Graph) throws(SnugError) {
    let sizes = graph.inputs.compactMap { graph[$0].type?.dimensions?.first?.size }
    if let fixed = sizes.max(), fixed != options.training.batchSize {
      throw .trainingBatch(file: file.path, fixed: fixed, given: options.training.batchSize)
    }
  }

  /// What a run that resumes must have in common with the one that was stopped.
  private func configuration(_ dataset: any Dataset) throws(SnugError) -> JSONValue {
    .object(
      (options.recipeJSON.objectValue ?? []) + [
        JSONMember("model", try file.fingerprint),
        JSONMember("samples", JSONValue(dataset.count)),
      ] + (try DataContent.members(of: options.data, as: "data"))
        + (try DataContent.members(of: options.validation, as: "validation")))
  }
}
