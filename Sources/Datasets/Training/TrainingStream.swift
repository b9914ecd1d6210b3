/// Epochs of shuffled, augmented batches of one size, read ahead while the caller computes.
///
/// The order of an epoch follows from the seed and the epoch alone, and a sample's augmentation from the seed, the
/// epoch and its place in it: a stream that begins at the position of an interrupted run gives the same batches, to
/// the bit, for any number of threads.
///
/// An epoch takes each sample at most once; those that don't fill its last batch are left out, different ones each
/// time. A data set smaller than a batch gives one batch in an epoch, in which its samples are repeated.
package final class TrainingStream: Sendable {
  /// The number of samples of every batch.
  package let batchSize: Int
  private let order: TrainingOrder
  private let prefetcher: Prefetcher<TrainingBatch>

  /// - Parameters:
  ///   - start: the first batch; batches beyond the number in an epoch count into the epochs after it.
  ///   - epochs: the epoch to end before, counted from 0.
  ///   - depth: the largest number of batches that are held or read ahead, each by one thread of low priority.
  /// - Throws: ``DatasetError`` where the samples can't be augmented in this way, or make no
  ///   batches of one shape.
  /// - Precondition: `batchSize` and `depth` are at least 1, and `start` is not negative.
  package init(
    _ dataset: any Dataset, batchSize: Int, seed: Int, augmentation: Augmentation = .none,
    from start: StreamPosition = StreamPosition(), epochs: Int = .max,
    prefetching depth: Int = 3
  ) throws(DatasetError) {
    precondition(batchSize >= 1 && depth >= 1, "batches of \(batchSize), \(depth) ahead")
    precondition(start.epoch >= 0 && start.batch >= 0, "a negative position")
    try dataset.require(augmentation, batchSize: batchSize)
    let order = TrainingOrder(count: dataset.count, batchSize: batchSize, seed: seed)
    let perEpoch = order.batchesPerEpoch
    let end = Self.number(StreamPosition(epoch: epochs), perEpoch)
    let first = Self.number(start, perEpoch)
    self.batchSize = batchSize
    self.order = order
    prefetcher = Prefetcher(first..<max(first, end), depth: depth) {
      (number) throws(DatasetError) in
      let position = StreamPosition(epoch: number / perEpoch, batch: number % perEpoch)
      let samples = order.samples(position)
      let draws = AugmentationDraws(augmentation, seeds: order.seeds(position))
      return TrainingBatch(
        batch: try dataset.batch(samples, augmented: draws, reading: .background),
        samples: samples, position: position, batchesPerEpoch: perEpoch)
    }
  }

  deinit { prefetcher.close() }

  /// The number of batches that `samples` samples make in an epoch, at least 1.
  package static func batches(of samples: Int, batchSize: Int) -> Int {
    max(1, samples / batchSize)
  }

  /// The number of batches of every epoch, at least 1.
  package var batchesPerEpoch: Int { order.batchesPerEpoch }

  /// The next batch, or `nil` after the last epoch. One caller at a time.
  ///
  /// - Throws: the error of reading that batch; the stream continues with the batch after it.
  package func next() throws(DatasetError) -> TrainingBatch? { try prefetcher.next() }

  /// The number of batches before a position, clamped to `Int.max`.
  private static func number(_ position: StreamPosition, _ perEpoch: Int) -> Int {
    let (whole, overflow) = position.epoch.multipliedReportingOverflow(by: perEpoch)
    let (number, excess) = whole.addingReportingOverflow(position.batch)
    return overflow || excess ? .max : number
  }
}
