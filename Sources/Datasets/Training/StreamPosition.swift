/// A training run's position in its data.
package struct StreamPosition: Sendable, Hashable {
  /// The number of epochs done.
  package var epoch: Int
  /// The number of batches done of the current epoch.
  package var batch: Int

  package init(epoch: Int = 0, batch: Int = 0) {
    self.epoch = epoch
    self.batch = batch
  }
}
