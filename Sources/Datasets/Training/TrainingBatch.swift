/// A batch of a ``TrainingStream``, and where it stands.
public struct TrainingBatch: Sendable {
  public var batch: Batch
  /// The samples in the data set, in the batch's order.
  public var samples: [Int]
  /// The batches before this one; a stream from here begins with it.
  public var position: StreamPosition
  public var batchesPerEpoch: Int

  /// The position behind this batch, from which a run interrupted after it goes on.
  public var following: StreamPosition {
    position.batch + 1 < batchesPerEpoch
      ? StreamPosition(epoch: position.epoch, batch: position.batch + 1)
      : StreamPosition(epoch: position.epoch + 1)
  }

  /// Whether this is the last batch of its epoch.
  public var endsEpoch: Bool { following.batch == 0 }
}
