import TensorCore

/// Samples in a fixed order, read in batches.
///
/// A data set can be read from several threads at once, and may be larger than memory.
package protocol Dataset: Sendable {
  /// The file or folder that it was opened from.
  var path: String { get }
  /// The number of samples, at least 1.
  var count: Int { get }
  var reference: DatasetReference { get }
  /// The name of the class of each label; `nil` where the data has none.
  var classNames: [String]? { get }

  /// The shape of a sample of the first input, without the batch dimension.
  func sampleShape(at index: Int) -> [Int]
  /// Whether samples can be stacked along dimension 0. Those that can't hold each input as the model takes it, whatever
  /// its first dimension counts, and are read one at a time.
  var isStackable: Bool { get }

  /// Whether the samples lie in memory as numbers, so that reading them is little more than copying.
  var isQuickToRead: Bool { get }

  /// Announces that only the samples at `indices` will be read, so that no others of compressed data need to be kept
  /// in memory.
  ///
  /// - Throws: ``DatasetError`` where the data can't be read.
  func select(_ indices: [Int]) throws(DatasetError)

  /// Reads the samples at `indices` into the model's layout, augmented and normalized.
  ///
  /// The result depends on the samples and `draws` alone, not on `reading`.
  ///
  /// - Parameters:
  ///   - draws: the augmentation; `nil` for none.
  ///   - reading: which threads read.
  /// - Throws: ``DatasetError`` where a file can't be read or decoded, a value is NaN or infinite,
  ///   the samples differ in shape, or they can't be augmented in this way.
  /// - Precondition: `indices` is not empty, every index is in `0..<count`, and `draws` has as many
  ///   seeds as there are indices.
  func batch(
    _ indices: [Int], augmented draws: AugmentationDraws?, reading: BatchReading
  ) throws(DatasetError) -> Batch

  /// Checks that any samples make batches of one shape when they are augmented.
  ///
  /// - Throws: ``DatasetError``, which says what to do.
  func require(_ augmentation: Augmentation, batchSize: Int) throws(DatasetError)
}

/// How a batch is read.
package enum BatchReading: Sendable, Hashable {
  /// All threads read, for data that is read once or a few times.
  case parallel
  /// The calling thread reads alone, beside threads that compute. Data that is slow to decode is kept in memory for
  /// the next epoch, up to a quarter of the machine's memory.
  case background
}

extension Dataset {
  package var isStackable: Bool { true }
  package var isQuickToRead: Bool { false }

  package func select(_ indices: [Int]) throws(DatasetError) {}

  /// Reads the samples at `indices` into the model's layout, normalized.
  ///
  /// - Throws: ``DatasetError`` where a file can't be read or decoded, a value is NaN or infinite,
  ///   or the samples differ in shape.
  /// - Precondition: `indices` is not empty and every index is in `0..<count`.
  package func batch(_ indices: [Int]) throws(DatasetError) -> Batch {
    try batch(indices, augmented: nil, reading: .parallel)
  }

  /// Checks that the samples have the reference that a job needs.
  ///
  /// - Throws: ``DatasetError/noReference(path:needed:)`` where they don't.
  package func require(_ reference: DatasetReference) throws(DatasetError) {
    if self.reference != reference { throw .noReference(path: path, needed: reference) }
  }
}

/// What the samples of a data set are compared with.
public enum DatasetReference: Sendable, Hashable {
  case none, labels, targets
}

/// Some samples, stacked along dimension 0.
package struct Batch: Sendable {
  /// A tensor of shape [samples, ...] for each input of the model, in the order of the request; one sample as the model
  /// takes it where samples can't be stacked.
  package var inputs: [Tensor]
  /// The class of each sample, counted from 0.
  package var labels: [Int]?
  /// The targets of the samples, float32 of shape [samples, ...].
  package var targets: Tensor?

  /// - Parameter count: the number of samples; `nil` for dimension 0 of the first input.
  package init(
    inputs: [Tensor], labels: [Int]? = nil, targets: Tensor? = nil, count: Int? = nil
  ) {
    self.inputs = inputs
    self.count = count ?? inputs.first?.shape.first ?? 0
    self.labels = labels
    self.targets = targets
  }

  /// The number of samples.
  package let count: Int
}
