import Synchronization
import TensorCore

/// Some samples of a data set in an order of their own. A batch that was read is kept, while the budget allows, for
/// those who read the same samples again, unless reading is quick anyway.
package final class KeptSamples: Dataset {
  private let base: any Dataset
  /// The indices of the samples in the data set below; `nil` for all in its order.
  private let order: [Int]?
  private let byteLimit: Int

  private struct State {
    var batches: [[Int]: Batch] = [:]
    var bytes = 0
  }
  private let state = Mutex(State())

  /// - Parameters:
  ///   - order: the samples, by their indices in `base`; `nil` for all.
  ///   - byteLimit: of the batches that are kept.
  /// - Throws: ``DatasetError`` where compressed data can't be read.
  package init(_ base: any Dataset, order: [Int]? = nil, byteLimit: Int) throws(DatasetError) {
    self.base = base
    self.order = order
    self.byteLimit = byteLimit
    if let order { try base.select(order) }
  }

  package var path: String { base.path }
  package var count: Int { order?.count ?? base.count }
  package var reference: DatasetReference { base.reference }
  package var classNames: [String]? { base.classNames }
  package var isStackable: Bool { base.isStackable }
  package var isQuickToRead: Bool { base.isQuickToRead }

  package func sampleShape(at index: Int) -> [Int] { base.sampleShape(at: place(index)) }

  private func place(_ index: Int) -> Int { order?[index] ?? index }

  package func batch(
    _ indices: [Int], augmented draws: AugmentationDraws?, reading: BatchReading
  ) throws(DatasetError) -> Batch {
    let places = indices.map(place)
    guard draws == nil, !base.isQuickToRead else {
      return try base.batch(places, augmented: draws, reading: reading)
    }
    if let kept = state.withLock({ $0.batches[indices] }) { return kept }
    let batch = try base.batch(places, augmented: nil, reading: reading)
    let bytes =
      batch.inputs.reduce(0) { $0 + $1.storage.byteCount }
      + (batch.targets?.storage.byteCount ?? 0)
    state.withLock { state in
      guard state.bytes + bytes <= byteLimit, state.batches[indices] == nil else { return }
      state.batches[indices] = batch
      state.bytes += bytes
    }
    return batch
  }

  package func require(_ augmentation: Augmentation, batchSize: Int) throws(DatasetError) {
    try base.require(augmentation, batchSize: batchSize)
  }
}
