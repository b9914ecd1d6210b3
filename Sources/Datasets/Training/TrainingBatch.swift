/// A batch of a ``TrainingStream`` and its position.
public struct TrainingBatch: Sendable {
  public var batch: Batch
  /// The indices of the samples in the data set, in the batch's order.
  public var samples: [Int]
  /// The position before this batch; a stream from there begins with it.
  public var position: StreamPosition
  public var batchesPerEpoch: Int

  /// The position after this batch, from which a run that was interrupted after it resumes.
  public var following: StreamPosition {
    position.batch + 1 < batchesPerEpoch
      ? StreamPosition(epoch: position.epoch, batch: position.batch + 1)
      : StreamPosition(epoch: position.epoch + 1)
  }

  /// Whether this is the last batch of its epoch.
  public var endsEpoch: Bool { following.batch == 0 }
}
