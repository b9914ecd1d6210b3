/// How far a training has come.
public struct TrainingPosition: Sendable, Hashable {
  /// Optimizer steps taken.
  public var step = 0
  /// Whole passes over the data.
  public var epoch = 0
  /// Batches of the current pass that are done.
  public var batch = 0

  public init(step: Int = 0, epoch: Int = 0, batch: Int = 0) {
    self.step = step
    self.epoch = epoch
    self.batch = batch
  }
}
