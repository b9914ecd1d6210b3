import TensorCore

/// The files that a training keeps: states, logs and the plot.
final class TrainingJournal {
  private let outputs: Trainer.Outputs
  private let checkpoints: CheckpointStore?
  private let configuration: JSONValue
  private let seed: UInt64
  private var logs: [TrainingLog] = []
  private var records: [TrainingRecord] = []
  /// What the user should know about the restored state.
  private(set) var notice: TrainingNotice?

  init(_ outputs: Trainer.Outputs, configuration: JSONValue, seed: Int) throws(TrainingError) {
    self.outputs = outputs
    self.configuration = configuration
    self.seed = UInt64(bitPattern: Int64(seed))
    checkpoints = try outputs.checkpoints.map { (folder) throws(TrainingError) in
      try TrainingError.wrapping(TrainingError.checkpoint, try CheckpointStore(folder: folder))
    }
  }

  var isResumable: Bool { checkpoints != nil }

  /// Fills the state and the arrays from the latest checkpoint; returns false where there is none.
  ///
  /// - Parameter batchesPerEpoch: the batches in an epoch of the data, with which the checkpoint's counts must agree.
  func restore(
    _ state: inout TrainingState, arrays: [NamedArray], batchesPerEpoch: Int
  ) throws(TrainingError) -> Bool {
    guard let checkpoints, checkpoints.contains(.latest) else { return false }
    let path = checkpoints.path(.latest)
    do throws(CheckpointError) {
      let header = try checkpoints.restore(.latest, into: arrays, configuration: configuration)
      let position = header.position
      let (whole, overflow) = position.epoch.multipliedReportingOverflow(by: batchesPerEpoch)
      guard position.batch < batchesPerEpoch else { throw .malformed(path: path, field: "batch") }
      guard !overflow, position.step - position.batch == whole else {
        throw .malformed(path: path, field: "step")
      }
      for array in arrays {
        if let element = array.values.firstIndex(where: { !$0.isFinite }) {
          throw .nonFinite(path: path, name: array.name, element: element)
        }
      }
      try state.restore(header, path: path)
      let given = Parallelism.threadCount
      if let saved = TrainingState.threadCount(in: header), saved != given {
        notice = .otherThreadCount(path: path, saved: saved, given: given)
      }
    } catch { throw .checkpoint(error) }
    return true
  }

  /// Opens the logs, which continue after the rows of a run that is resumed.
  func open(after step: Int) throws(TrainingError) {
    do {
      for case (let path?, let format) in [
        (outputs.csv, TrainingLogFormat.csv), (outputs.jsonLines, .jsonLines),
      ] {
        guard step > 0 else {
          logs.append(try TrainingLog(path: path, format: format))
          continue
        }
        var kept: [TrainingRecord] = []
        logs.append(
          try TrainingLog(resuming: path, format: format, after: step, kept: &kept))
        // One of the two logs may be new, or a pipe that keeps nothing.
        if kept.count > records.count { records = kept }
      }
    } catch { throw .log(error) }
  }

  func append(_ record: TrainingRecord) throws(TrainingError) {
    records.append(record)
    do {
      for log in logs { try log.append(record) }
    } catch { throw .log(error) }
  }

  /// Saves a state, after the log rows that lead to it have reached the disk.
  func save(_ state: TrainingState, arrays: [NamedArray]) throws(TrainingError) {
    guard let checkpoints else { return }
    do {
      for log in logs { try log.synchronize() }
    } catch { throw .log(error) }
    let header = CheckpointHeader(
      configuration: configuration, position: state.position, bestMetric: state.tracker.best,
      bestEpoch: state.tracker.epoch, seed: seed, extra: state.extra)
    try TrainingError.wrapping(
      TrainingError.checkpoint, try checkpoints.save(header, arrays, as: .latest))
  }

  func plot(_ validation: Trainer.Validation?, epochs: Int) throws(TrainingError) {
    guard let path = outputs.plot else { return }
    let plot = TrainingPlot(
      title: "Fine-tuning, \(epochs) epoch\(epochs == 1 ? "" : "s")", records: records,
      metricName: validation?.metricName ?? "", direction: validation?.direction ?? .lowerIsBetter,
      floatMetric: validation?.floatMetric)
    try TrainingError.wrapping(TrainingError.plot, try plot.write(to: path))
  }
}
