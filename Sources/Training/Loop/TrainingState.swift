import Datasets
import TensorCore

/// The state of a training, besides its arrays.
struct TrainingState {
  var position = TrainingPosition()
  private(set) var tracker: BestTracker
  private(set) var stopping: EarlyStopping?
  private(set) var lastMetric: Double?
  private(set) var isStopped = false
  private let epochs: Int
  private let patience: Int?
  private let direction: MetricDirection

  // Sums since the last row of the log, and over the epoch.
  private var loss = 0.0
  private var penalty = 0.0
  private var norm = 0.0
  private var steps = 0
  private var epochSum = 0.0
  private var epochSteps = 0
  /// The mean loss of the last whole epoch.
  private(set) var epochLoss = 0.0
  private var smoothing = ExponentialSmoothing(kept: 0.95)
  private(set) var smoothedLoss = 0.0

  init(_ settings: TrainingSettings, direction: MetricDirection) {
    epochs = settings.epochs
    patience = settings.patience
    self.direction = direction
    tracker = BestTracker(direction)
    stopping = patience.map { EarlyStopping(patience: $0, direction) }
  }

  var isFinished: Bool { isStopped || position.epoch >= epochs }

  mutating func add(loss: Double, penalty: Double, norm: Double) {
    self.loss += loss
    self.penalty += penalty
    self.norm += norm
    steps += 1
    epochSum += loss
    epochSteps += 1
    smoothedLoss = smoothing.observe(loss) ?? loss
  }

  /// Takes in the metric after an epoch, which counts from 1; returns whether it is the best so far.
  mutating func observe(_ metric: Double, epoch: Int) -> Bool {
    lastMetric = metric
    if stopping?.observe(metric) ?? false { isStopped = true }
    return tracker.observe(metric, epoch: epoch)
  }

  /// Makes the log row of the steps since the previous row, and starts new sums.
  mutating func row(
    _ batch: TrainingBatch, _ rate: Double, _ samplesPerSecond: Double, _ metric: Double?
  ) -> TrainingRecord {
    let count = Double(max(steps, 1))
    let record = TrainingRecord(
      step: position.step,
      epoch: Double(batch.position.epoch) + Double(batch.position.batch + 1)
        / Double(batch.batchesPerEpoch), learningRate: rate, loss: loss / count,
      penalty: penalty / count, gradientNorm: norm / count, samplesPerSecond: samplesPerSecond,
      validation: metric)
    (loss, penalty, norm, steps) = (0, 0, 0, 0)
    if batch.endsEpoch {
      epochLoss = epochSum / Double(max(epochSteps, 1))
      (epochSum, epochSteps) = (0, 0)
    }
    return record
  }

  /// What a checkpoint's header holds besides the position and the best metric.
  var extra: JSONValue {
    [
      "loss": .number(loss), "penalty": .number(penalty), "norm": .number(norm),
      "steps": JSONValue(steps), "epoch_sum": .number(epochSum),
      "epoch_steps": JSONValue(epochSteps), "epoch_loss": .number(epochLoss),
      "last_metric": lastMetric.map { .number($0) } ?? .null,
      "reference": stopping?.reference.map { .number($0) } ?? .null,
      "epochs_without": JSONValue(stopping?.epochsWithout ?? 0),
      "stopped": .bool(isStopped),
      "threads": JSONValue(Parallelism.threadCount),
    ]
  }

  /// The number of threads of the run that saved a state; `nil` where the header lacks it.
  static func threadCount(in header: CheckpointHeader) -> Int? {
    header.extra["threads"]?.integerValue.map { Int(clamping: $0) }
  }

  /// Restores the state of a checkpoint.
  ///
  /// - Parameter path: the checkpoint's path, for errors.
  /// - Throws: ``CheckpointError/malformed(path:field:)`` for a member of the wrong type or an absurd value.
  mutating func restore(_ header: CheckpointHeader, path: String) throws(CheckpointError) {
    let extra = header.extra
    // `nil` where the member is missing or null, which is how a number that isn't finite is saved.
    func number(_ key: String) throws(CheckpointError) -> Double? {
      guard let value = extra[key], value != .null else { return nil }
      guard let number = value.doubleValue, number.isFinite else {
        throw .malformed(path: path, field: "extra.\(key)")
      }
      return number
    }
    func count(_ key: String) throws(CheckpointError) -> Int {
      guard let value = extra[key], value != .null else { return 0 }
      guard let count = value.integerValue, (0...CheckpointHeader.countLimit).contains(count) else {
        throw .malformed(path: path, field: "extra.\(key)")
      }
      return Int(count)
    }
    loss = try number("loss") ?? 0
    penalty = try number("penalty") ?? 0
    norm = try number("norm") ?? 0
    steps = try count("steps")
    epochSum = try number("epoch_sum") ?? 0
    epochSteps = try count("epoch_steps")
    epochLoss = try number("epoch_loss") ?? 0
    lastMetric = try number("last_metric")
    isStopped = extra["stopped"]?.boolValue ?? false
    let (reference, epochsWithout) = (try number("reference"), try count("epochs_without"))
    stopping = patience.map {
      EarlyStopping(
        patience: $0, direction, reference: reference, epochsWithout: epochsWithout)
    }
    position = header.position
    tracker = BestTracker(direction, best: header.bestMetric, epoch: header.bestEpoch)
  }
}
