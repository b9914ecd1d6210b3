import Datasets
import GraphIR
import Quantization
import TensorCore

/// Trains a model's parameters on data, with validation after each epoch, logs, and states to resume from.
///
/// The same settings, data, number of threads and machine give the same bytes, even where a run was stopped at any
/// moment and resumed.
public final class Trainer {
  /// The files that a run writes; all are optional.
  public struct Outputs: Sendable, Hashable {
    /// The folder for states to resume from.
    public var checkpoints: String?
    /// The file for the log as CSV.
    public var csv: String?
    /// The file for the log as JSON lines.
    public var jsonLines: String?
    /// The file for the curves of loss and metric, as SVG.
    public var plot: String?

    public init() {}
  }

  /// Measures a baked model after an epoch.
  package struct Validation {
    package var metricName: String
    package var direction: MetricDirection
    /// The metric of the float model, to compare with.
    package var floatMetric: Double?
    package var measure: (Graph) throws -> Double

    package init(
      metricName: String, direction: MetricDirection, floatMetric: Double?,
      measure: @escaping (Graph) throws -> Double
    ) {
      self.metricName = metricName
      self.direction = direction
      self.floatMetric = floatMetric
      self.measure = measure
    }
  }

  /// What a user should know before the training continues.
  package var notice: TrainingNotice? { journal.notice }

  private let model: TrainableModel
  private let dataset: any Dataset
  private let settings: TrainingSettings
  private let validation: Validation?
  private let interruption: Interruption
  private let store: ParameterStore
  private let step: TrainingStep
  private let journal: TrainingJournal
  /// The parameters with the best metric.
  private let best: ScratchBuffer<Float>?
  private var state: TrainingState

  /// - Parameters:
  ///   - configuration: what a resumed run must have in common with the one that it resumes, as an object.
  /// - Throws: ``TrainingError`` where settings, data and model don't fit each other, or a state to resume from
  ///   can't be used.
  package init(
    _ model: TrainableModel, dataset: any Dataset, settings: TrainingSettings,
    validation: Validation? = nil, outputs: Outputs = Outputs(),
    configuration: JSONValue = .object([]),
    interruption: Interruption = Interruption(), isProfiled: Bool = false
  ) throws(TrainingError) {
    self.model = model
    self.dataset = dataset
    self.settings = settings
    self.validation = validation
    self.interruption = interruption
    store = ParameterStore(model.parameters)
    step = try TrainingStep(model, store, settings, dataset: dataset)
    step.isProfiled = isProfiled
    best = validation == nil ? nil : ScratchBuffer<Float>(count: store.all.count, repeating: 0)
    state = TrainingState(settings, direction: validation?.direction ?? .lowerIsBetter)
    journal = try TrainingJournal(outputs, configuration: configuration, seed: settings.seed)
    let batches = TrainingStream.batches(of: dataset.count, batchSize: settings.batchSize)
    if try journal.restore(&state, arrays: arrays, batchesPerEpoch: batches) {
      step.optimizer.stepCount = state.position.step
      step.average?.updateCount = state.position.step
    }
  }

  /// Everything that a state holds besides its header.
  private var arrays: [NamedArray] {
    [NamedArray("parameters", store.all)] + step.optimizer.state + (step.average?.state ?? [])
      + (best.map { [NamedArray("best", $0.elements)] } ?? [])
  }

  /// Trains to the end, and bakes the parameters: the best ones where there is validation, else the last ones, or
  /// their average where one is kept.
  ///
  /// - Parameter progress: called after each step, from this thread.
  /// - Throws: ``TrainingError``; on an interruption the state is saved first.
  package func run(progress: (TrainingProgress) -> Void = { _ in }) throws(TrainingError) -> (
    conversion: Conversion, summary: TrainingSummary
  ) {
    let stream = try TrainingError.wrapping(
      TrainingError.dataset,
      try TrainingStream(
        dataset, batchSize: settings.batchSize, seed: settings.seed,
        augmentation: settings.augmentation,
        from: StreamPosition(epoch: state.position.epoch, batch: state.position.batch),
        epochs: settings.epochs))
    // Opened only now, since this discards the log of another run.
    try journal.open(after: state.position.step)
    var pace = TrainingPace()
    var lastSave = ContinuousClock.now
    while !state.isFinished,
      let next = try TrainingError.wrapping(
        TrainingError.dataset, try stream.next())
    {
      let start = ContinuousClock.now
      let rate =
        settings.learningRate
        * settings.schedule.factor(
          step: state.position.step, stepsPerEpoch: next.batchesPerEpoch,
          totalEpochs: settings.epochs, warmUp: settings.warmUp)
      let result = try step.run(next.batch, learningRate: rate, at: state.position)
      let following = next.following
      state.position = TrainingPosition(
        step: state.position.step + 1, epoch: following.epoch, batch: following.batch)
      state.add(loss: result.loss, penalty: result.penalty, norm: result.gradientNorm)
      pace.add(ContinuousClock.now - start, samples: next.samples.count)
      progress(
        self.progress(pace, rate, result, stepsPerEpoch: next.batchesPerEpoch, next.position.epoch))

      if next.endsEpoch {
        let metric = try validate(epoch: next.position.epoch)
        try journal.append(state.row(next, rate, pace.samplesPerSecond, metric))
        try save()
        lastSave = .now
      } else if state.position.step % max(settings.logInterval, 1) == 0 {
        try journal.append(state.row(next, rate, pace.samplesPerSecond, nil))
      }
      if interruption.isRequested {
        if !next.endsEpoch { try save() }
        throw .interrupted(step: state.position.step, resumable: journal.isResumable)
      }
      if ContinuousClock.now - lastSave >= settings.checkpointInterval {
        try save()
        lastSave = .now
      }
    }
    try journal.plot(validation, epochs: settings.epochs)
    return (try bakeFinal(), summary(pace))
  }

  private func save() throws(TrainingError) { try journal.save(state, arrays: arrays) }

  /// Measures the parameters (their average, where one is kept) and keeps them if they are the best so far.
  private func validate(epoch: Int) throws(TrainingError) -> Double? {
    let isDue = (epoch + 1) % settings.validationInterval == 0 || epoch + 1 == settings.epochs
    guard let validation, isDue else { return nil }
    step.average?.exchange(with: store.trained)
    defer { step.average?.exchange(with: store.trained) }
    let baked = try bake()
    let metric: Double
    do { metric = try validation.measure(baked.model.graph) } catch { throw .validation(error) }
    if state.observe(metric, epoch: epoch + 1), let best {
      _ = best.elements.update(fromContentsOf: store.all)
    }
    return metric
  }

  private func bake() throws(TrainingError) -> Conversion {
    do { return try model.bake(store.tensor) } catch {
      // The last update left parameters that can't be quantized.
      guard case .quantizer(let layer, _) = error else { throw .conversion(error) }
      throw .diverged(
        step: state.position.step, epoch: state.position.epoch, loss: .nan, parameter: layer)
    }
  }

  private func bakeFinal() throws(TrainingError) -> Conversion {
    if let best, state.tracker.best != nil {
      _ = store.all.update(fromContentsOf: best.elements)
    } else if let average = step.average {
      average.exchange(with: store.trained)
    }
    return try bake()
  }

  // MARK: Reports

  private func progress(
    _ pace: TrainingPace, _ rate: Double, _ result: TrainingStep.Result, stepsPerEpoch: Int,
    _ epoch: Int
  ) -> TrainingProgress {
    let total = stepsPerEpoch * settings.epochs
    return TrainingProgress(
      step: state.position.step, totalSteps: total, epoch: epoch, epochs: settings.epochs,
      samplesPerSecond: pace.samplesPerSecond, loss: state.smoothedLoss,
      penalty: result.penalty, learningRate: rate, metric: state.lastMetric,
      remainingSeconds: Double(total - state.position.step) * pace.meanSeconds)
  }

  private func summary(_ pace: TrainingPace) -> TrainingSummary {
    TrainingSummary(
      steps: state.position.step, epochs: state.position.epoch,
      samplesPerSecond: pace.samplesPerSecond, medianStepSeconds: pace.medianSeconds,
      finalLoss: state.epochLoss, bestMetric: state.tracker.best, bestEpoch: state.tracker.epoch,
      arenaByteCount: step.plan?.arenaByteCount ?? 0,
      profile: step.isProfiled
        ? (step.plan?.profile ?? []).map { .init(label: $0.label, seconds: $0.seconds) } : [])
  }
}
