import Synchronization
import TensorCore

/// The samples of each batch, and the seeds of their augmentation.
///
/// Everything follows from the seed, the epoch and the batch, so that a run can begin anywhere.
final class TrainingOrder: Sendable {
  let batchesPerEpoch: Int
  private let count: Int
  private let batchSize: Int
  private let seed: UInt64
  /// The orders of the latest epochs, since batches that are read at once may belong to two.
  private let latest = Mutex<[(epoch: Int, order: [Int])]>([])

  /// The streams of random numbers that are derived from one seed.
  private enum Purpose: Int { case order, augmentation }

  init(count: Int, batchSize: Int, seed: Int) {
    self.count = count
    self.batchSize = batchSize
    self.seed = UInt64(bitPattern: Int64(seed))
    batchesPerEpoch = TrainingStream.batches(of: count, batchSize: batchSize)
  }

  /// The samples of a batch.
  func samples(_ position: StreamPosition) -> [Int] {
    let order = order(of: position.epoch)
    return (0..<batchSize).map { order[(position.batch * batchSize + $0) % count] }
  }

  /// The seeds of a batch's samples; a sample that is repeated to fill a batch is augmented anew.
  func seeds(_ position: StreamPosition) -> [UInt64] {
    (0..<batchSize).map { offset in
      var generator = SplitMix64(
        seed: seed, stream: Purpose.augmentation.rawValue, position.epoch,
        position.batch * batchSize + offset)
      return generator.next()
    }
  }

  private func order(of epoch: Int) -> [Int] {
    latest.withLock { latest in
      if let known = latest.first(where: { $0.epoch == epoch }) { return known.order }
      var generator = SplitMix64(seed: seed, stream: Purpose.order.rawValue, epoch)
      let order = (0..<count).shuffled(using: &generator)
      latest = latest.suffix(1) + [(epoch, order)]
      return order
    }
  }
}
