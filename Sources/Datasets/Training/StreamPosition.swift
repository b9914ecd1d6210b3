/// A training run's position in its data.
public struct StreamPosition: Sendable, Hashable {
  /// The number of epochs done.
  public var epoch: Int
  /// The number of batches done of the current epoch.
  public var batch: Int

  public init(epoch: Int = 0, batch: Int = 0) {
    self.epoch = epoch
    self.batch = batch
  }
}
