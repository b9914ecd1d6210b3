import Datasets
import TensorCore
import TestSupport

/// Samples in memory that a small network can learn.
struct ToyData: Dataset {
  let path: String
  let reference: DatasetReference
  let inputs: [[Float]]
  let labels: [Int]
  let targets: [[Float]]
  let shape: [Int]
  var classNames: [String]? { nil }
  var count: Int { inputs.count }

  /// Random images, each labelled with that of three fixed ones to which it is most alike.
  ///
  /// - Parameter reference: what of the answers is given: labels, the three likenesses as targets, or none.
  init(
    _ count: Int = 64, shape: [Int] = [2, 4, 4], reference: DatasetReference = .labels,
    seed: UInt64 = 1
  ) {
    path = "toy"
    self.shape = shape
    self.reference = reference
    let size = shape.reduce(1, *)
    var random = SplitMix(seed: 99)
    let templates = (0..<3).map { _ in
      (0..<size).map { _ in Float.random(in: -1...1, using: &random) }
    }
    random = SplitMix(seed: seed)
    let inputs = (0..<count).map { _ in
      (0..<size).map { _ in Float.random(in: -1...1, using: &random) }
    }
    let likeness = inputs.map { input in
      templates.map { template in zip(template, input).reduce(0) { $0 + $1.0 * $1.1 } }
    }
    self.inputs = inputs
    targets = likeness
    labels = likeness.map { row in row.indices.max { row[$0] < row[$1] } ?? 0 }
  }

  func sampleShape(at index: Int) -> [Int] { shape }

  func batch(
    _ indices: [Int], augmented draws: AugmentationDraws?, reading: BatchReading
  ) throws(DatasetError) -> Batch {
    var tensors = indices.map { inputs[$0] }
    if let draws, draws.augmentation.flipsHorizontally {
      for (index, seed) in draws.seeds.enumerated() where seed % 2 == 1 {
        tensors[index].reverse()
      }
    }
    return Batch(
      inputs: [Tensor(tensors.flatMap { $0 }, shape: [indices.count] + shape)],
      labels: reference == .labels ? indices.map { labels[$0] } : nil,
      targets: reference == .targets
        ? Tensor(indices.flatMap { targets[$0] }, shape: [indices.count, 3]) : nil)
  }

  func require(_ augmentation: Augmentation, batchSize: Int) throws(DatasetError) {
    if augmentation.patch != nil {
      throw .augmentation(path: path, item: "patch", reason: "the toy has no pairs")
    }
  }
}
