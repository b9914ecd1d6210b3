import Datasets
import Quantization
import TensorCore
import Training

/// Samples of a data set as calibration reads them: drawn at random, so that the first ones of data sorted by
/// class stand for all of it.
struct DatasetCalibration: CalibrationSource {
  /// In the order in which they are read.
  private let samples: KeptSamples

  /// Bytes of samples that are kept, since every layer asks for them again.
  private static let byteLimit = 64 << 20

  /// - Parameters:
  ///   - limit: the most samples to take.
  ///   - seed: the same seed draws the same samples in the same order.
  /// - Throws: where compressed data can't be read.
  init(_ dataset: any Dataset, limit: Int, seed: Int) throws(DatasetError) {
    samples = try KeptSamples(
      dataset, order: dataset.drawn(limit, seed: seed), byteLimit: Self.byteLimit)
  }

  var count: Int { samples.count }
  var isStackable: Bool { samples.isStackable }

  func inputs(_ range: Range<Int>) throws -> [Tensor] {
    if Interruption.ofTask?.isRequested == true { throw SnugError.interrupted }
    return try samples.batch(Array(range)).inputs
  }

  func changesShape(at index: Int) -> Bool {
    index > 0 && samples.sampleShape(at: index) != samples.sampleShape(at: index - 1)
  }
}

extension Dataset {
  /// The indices of samples that are drawn at random.
  ///
  /// - Parameters:
  ///   - limit: the most samples to draw.
  ///   - seed: the same seed draws the same samples in the same order.
  func drawn(_ limit: Int, seed: Int) -> [Int] {
    var generator = SplitMix64(seed: UInt64(bitPattern: Int64(seed)))
    return Array((0..<count).shuffled(using: &generator).prefix(limit))
  }
}
