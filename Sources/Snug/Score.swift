import Datasets
import TensorCore

/// The sums behind an evaluation's figures, over batches.
struct Score {
  /// True where a model's outputs are probabilities rather than logits.
  var isProbability = false
  private let metric: Evaluation.Metric
  private var samples = 0
  private var total = 0.0
  private var top5 = 0
  private var hasTop5 = true
  private var loss = 0.0

  init(_ reference: DatasetReference, task: DatasetTask?) {
    switch (reference, task) {
    case (.labels, _): metric = .top1
    case (_, .superResolution): metric = .psnr
    case (_, _): metric = .mse
    }
  }

  /// Adds the outputs for one batch.
  mutating func add(_ output: Tensor, _ batch: Batch) throws(DatasetError) {
    guard let output = output.convertedToFloat() else {
      throw .outputShape(expected: "numbers", actual: output.shape)
    }
    samples += batch.count
    switch metric {
    case .top1:
      let labels = batch.labels ?? []
      total += Double(try Metrics.topMatches(output, labels: labels, k: 1))
      top5 += try Metrics.topMatches(output, labels: labels, k: 5)
      hasTop5 = hasTop5 && output.count > 5 * batch.count
      let scores = isProbability ? output.logarithm : output
      loss += try Metrics.crossEntropy(scores, labels: labels) * Double(batch.count)
    case .psnr:
      guard let targets = batch.targets else { return }
      total += try Metrics.peakSignalToNoise(output, targets: targets).reduce(0, +)
    case .mse:
      guard let targets = batch.targets else { return }
      total += try Metrics.meanSquaredError(output, targets: targets).reduce(0, +)
    }
  }

  func evaluation(seconds: Double) -> Evaluation {
    let count = Double(max(samples, 1))
    let isClassification = metric == .top1
    return Evaluation(
      metric: metric, value: total * (isClassification ? 100 : 1) / count,
      top5: isClassification && hasTop5 ? Double(top5) * 100 / count : nil,
      loss: isClassification && loss.isFinite ? loss / count : nil, samples: samples,
      seconds: seconds)
  }
}

extension Tensor {
  /// The logarithm of each element, at least that of the least positive float.
  fileprivate var logarithm: Tensor {
    withElements(of: Float.self) { elements in
      Tensor(elements.map { log(max($0, .leastNormalMagnitude)) }, shape: shape)
    }
  }
}
