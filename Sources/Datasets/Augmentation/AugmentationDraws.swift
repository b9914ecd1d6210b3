/// An augmentation, and for each sample of a batch the seed of its random choices.
///
/// A sample's pixels depend on its content, the augmentation and its seed alone.
package struct AugmentationDraws: Sendable, Hashable {
  package var augmentation: Augmentation
  /// A seed for each sample, in the batch's order.
  package var seeds: [UInt64]

  package init(_ augmentation: Augmentation, seeds: [UInt64]) {
    self.augmentation = augmentation
    self.seeds = seeds
  }
}

extension AugmentationDraws {
  /// The random choices for the sample at `position` of the batch.
  func draw(_ position: Int) -> AugmentationDraw {
    AugmentationDraw(augmentation, seed: seeds[position])
  }

  /// Checks that samples of a data set can be augmented, before any is read.
  func check(_ indices: [Int], of dataset: some Dataset) throws(DatasetError) {
    precondition(seeds.count == indices.count, "\(seeds.count) seeds, \(indices.count) samples")
    // That these samples have a shape in common is checked with their batch.
    try dataset.require(augmentation, batchSize: 1)
  }
}
