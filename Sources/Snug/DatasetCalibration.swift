import Datasets
import Quantization
import TensorCore

/// Samples of a data set as calibration reads them: drawn at random, so that the first ones of data sorted by
/// class stand for all of it.
struct DatasetCalibration: CalibrationSource {
  private let dataset: any Dataset
  private let order: [Int]

  /// - Parameters:
  ///   - limit: the most samples to take.
  ///   - seed: the same seed draws the same samples in the same order.
  /// - Throws: where compressed data can't be read.
  init(_ dataset: any Dataset, limit: Int, seed: Int) throws(DatasetError) {
    self.dataset = dataset
    var generator = SplitMix64(seed: UInt64(bitPattern: Int64(seed)))
    order = Array((0..<dataset.count).shuffled(using: &generator).prefix(limit))
    try dataset.select(order)
  }

  var count: Int { order.count }
  var isStackable: Bool { dataset.isStackable }

  func inputs(_ range: Range<Int>) throws -> [Tensor] {
    try dataset.batch(Array(order[range])).inputs
  }

  func changesShape(at index: Int) -> Bool {
    index > 0
      && dataset.sampleShape(at: order[index]) != dataset.sampleShape(at: order[index - 1])
  }
}
