import TensorCore

/// Samples in a fixed order, read in batches.
///
/// A data set is safe to read from several threads, and may be larger than memory.
public protocol Dataset: Sendable {
  /// The file or folder that it was opened from.
  var path: String { get }
  /// The number of samples, at least 1.
  var count: Int { get }
  var reference: DatasetReference { get }
  /// Names of the classes where the data has them: `nil`, or one a label.
  var classNames: [String]? { get }

  /// The shape of the first input's sample, without the batch dimension.
  func sampleShape(at index: Int) -> [Int]

  /// Says that only the samples at `indices` will be read, so that of compressed data only these need to be
  /// kept in memory.
  ///
  /// - Throws: where the data can't be read.
  func select(_ indices: [Int]) throws(DatasetError)

  /// Reads the samples at `indices` into the model's layout, augmented and normalised.
  ///
  /// The result depends on the samples and `draws` alone, not on `reading`.
  ///
  /// - Parameter draws: `nil` for the samples as they are.
  /// - Throws: ``DatasetError`` where a file can't be read or decoded, a value is NaN or infinite,
  ///   the samples differ in shape, or they can't be augmented in this way.
  /// - Precondition: `indices` is not empty, every index is in `0..<count`, and `draws` has as many
  ///   seeds as there are indices.
  func batch(
    _ indices: [Int], augmented draws: AugmentationDraws?, reading: BatchReading
  ) throws(DatasetError) -> Batch

  /// Checks that any samples, augmented, make batches of one shape.
  ///
  /// - Throws: ``DatasetError``, which says what to do.
  func require(_ augmentation: Augmentation, batchSize: Int) throws(DatasetError)
}

/// How a batch is read.
public enum BatchReading: Sendable, Hashable {
  /// By all threads, for data that is read once or a few times.
  case parallel
  /// By the calling thread alone, beside threads that compute. What is slow to decode is kept in
  /// memory for the next epoch, up to a quarter of what the machine has.
  case background
}

extension Dataset {
  public func select(_ indices: [Int]) throws(DatasetError) {}

  /// Reads the samples at `indices` into the model's layout, normalised.
  ///
  /// - Throws: ``DatasetError`` where a file can't be read or decoded, a value is NaN or infinite,
  ///   or the samples differ in shape.
  /// - Precondition: `indices` is not empty and every index is in `0..<count`.
  public func batch(_ indices: [Int]) throws(DatasetError) -> Batch {
    try batch(indices, augmented: nil, reading: .parallel)
  }

  /// Checks that the samples have what a job compares with.
  ///
  /// - Throws: ``DatasetError/noReference(path:needed:)``.
  public func require(_ reference: DatasetReference) throws(DatasetError) {
    if self.reference != reference { throw .noReference(path: path, needed: reference) }
  }
}

/// What the samples of a data set are compared with.
public enum DatasetReference: Sendable, Hashable {
  case none, labels, targets
}

/// Some samples, stacked along dimension 0.
public struct Batch: Sendable {
  /// One tensor an input of the model, in the order of the request.
  public var inputs: [Tensor]
  public var labels: [Int]?
  /// float32.
  public var targets: Tensor?

  public init(inputs: [Tensor], labels: [Int]? = nil, targets: Tensor? = nil) {
    self.inputs = inputs
    self.labels = labels
    self.targets = targets
  }

  /// The number of samples.
  public var count: Int { inputs.first?.shape.first ?? 0 }
}
