/// How far a training has come.
public struct TrainingPosition: Sendable, Hashable {
  /// The number of optimizer steps taken.
  public var step = 0
  /// The number of whole passes over the data.
  public var epoch = 0
  /// The number of batches of the current pass that are done.
  public var batch = 0

  public init(step: Int = 0, epoch: Int = 0, batch: Int = 0) {
    self.step = step
    self.epoch = epoch
    self.batch = batch
  }
}
