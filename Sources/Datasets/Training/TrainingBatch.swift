/// A batch of a ``TrainingStream`` and its position.
package struct TrainingBatch: Sendable {
  package var batch: Batch
  /// The indices of the samples in the data set, in the batch's order.
  package var samples: [Int]
  /// The position before this batch; a stream from there begins with it.
  package var position: StreamPosition
  package var batchesPerEpoch: Int

  /// The position after this batch, from which a run that was interrupted after it resumes.
  package var following: StreamPosition {
    position.batch + 1 < batchesPerEpoch
      ? StreamPosition(epoch: position.epoch, batch: position.batch + 1)
      : StreamPosition(epoch: position.epoch + 1)
  }

  /// Whether this is the last batch of its epoch.
  package var endsEpoch: Bool { following.batch == 0 }
}
