/// Where a training run stands in its data.
public struct StreamPosition: Sendable, Hashable {
  /// Epochs done.
  public var epoch: Int
  /// Batches done of this epoch.
  public var batch: Int

  public init(epoch: Int = 0, batch: Int = 0) {
    self.epoch = epoch
    self.batch = batch
  }
}
