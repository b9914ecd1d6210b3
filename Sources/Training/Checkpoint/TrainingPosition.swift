/// How far a training has come.
package struct TrainingPosition: Sendable, Hashable {
  /// The number of optimizer steps taken.
  package var step = 0
  /// The number of whole passes over the data.
  package var epoch = 0
  /// The number of batches of the current pass that are done.
  package var batch = 0

  package init(step: Int = 0, epoch: Int = 0, batch: Int = 0) {
    self.step = step
    self.epoch = epoch
    self.batch = batch
  }
}
