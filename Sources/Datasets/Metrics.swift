import TensorCore

/// Measures of how well a model's outputs meet the references of a data set.
package enum Metrics {
  /// Counts the samples whose label is among the classes with the `k` largest scores.
  ///
  /// Among equal scores the lower class comes first; NaN comes last.
  ///
  /// - Parameter scores: float32 of shape [samples, classes]; trailing dimensions of 1 are allowed.
  /// - Throws: ``DatasetError/outputShape(expected:actual:)`` where the shape doesn't fit the labels.
  package static func topMatches(
    _ scores: Tensor, labels: [Int], k: Int
  ) throws(DatasetError) -> Int {
    let classes = labels.isEmpty ? 0 : scores.count / labels.count
    guard scores.elementType == .float32, !labels.isEmpty, scores.shape.first == labels.count,
      scores.shape.dropFirst().filter({ $0 != 1 }).count <= 1,
      labels.allSatisfy({ $0 >= 0 && $0 < classes })
    else {
      let least = (labels.max() ?? 0) + 1
      throw .outputShape(
        expected: "\(labels.count) rows of \(least) or more scores", actual: scores.shape)
    }
    return scores.withElements(of: Float.self) { scores in
      labels.indices.count { row in
        let label = labels[row]
        let row = UnsafeBufferPointer(rebasing: scores[row * classes..<(row + 1) * classes])
        let own = row[label]
        guard !own.isNaN else { return false }
        let ahead = row.indices.count { row[$0] > own || ($0 < label && row[$0] == own) }
        return ahead < k
      }
    }
  }

  /// The class with the largest score of each sample, the first among equals.
  static func largest(_ scores: Tensor) -> [Int] {
    guard let samples = scores.shape.first, samples > 0 else { return [] }
    let classes = scores.count / samples
    return scores.withElements(of: Float.self) { scores in
      (0..<samples).map { sample in
        var best = 0
        for index in 0..<classes
        where scores[sample * classes + index] > scores[sample * classes + best] {
          best = index
        }
        return best
      }
    }
  }

  /// The mean cross-entropy of softmax over the scores, in nats.
  ///
  /// - Throws: ``DatasetError/outputShape(expected:actual:)`` where the shape doesn't fit the labels.
  package static func crossEntropy(_ scores: Tensor, labels: [Int]) throws(DatasetError) -> Double {
    _ = try topMatches(scores, labels: labels, k: 1)
    let classes = scores.count / labels.count
    return scores.withElements(of: Float.self) { scores in
      var sum = 0.0
      for (row, label) in labels.enumerated() {
        let row = scores[row * classes..<(row + 1) * classes]
        let largest = Double(row.max() ?? 0)
        let total = row.reduce(0) { $0 + exp(Double($1) - largest) }
        sum += log(total) + largest - Double(row[row.startIndex + label])
      }
      return sum / Double(labels.count)
    }
  }

  /// The peak signal-to-noise ratio of each image in dB, over all channels, outputs clamped to 0...1.
  ///
  /// The mean squared error is taken as at least 1e-10, so that equal images have 100 dB. The metric of a data set is
  /// the mean over its images.
  ///
  /// - Throws: ``DatasetError/outputShape(expected:actual:)`` where the shapes differ.
  package static func peakSignalToNoise(
    _ outputs: Tensor, targets: Tensor
  ) throws(DatasetError) -> [Double] {
    try perSampleError(outputs, targets) { min(max($0, 0), 1) }.map { -10 * log10(max($0, 1e-10)) }
  }

  /// The mean squared error of each sample.
  ///
  /// - Throws: ``DatasetError/outputShape(expected:actual:)`` where the numbers of elements differ.
  package static func meanSquaredError(
    _ outputs: Tensor, targets: Tensor
  ) throws(DatasetError) -> [Double] {
    try perSampleError(outputs, targets) { $0 }
  }

  private static func perSampleError(
    _ outputs: Tensor, _ targets: Tensor, _ transform: (Float) -> Float
  ) throws(DatasetError) -> [Double] {
    // Dimensions of 1 may be missing, as where a column of outputs meets a vector of targets.
    guard outputs.elementType == .float32, targets.elementType == .float32,
      let samples = targets.shape.first, samples > 0, targets.count > 0,
      outputs.shape.filter({ $0 != 1 }) == targets.shape.filter({ $0 != 1 })
    else {
      throw .outputShape(expected: DatasetError.shape(targets.shape), actual: outputs.shape)
    }
    let length = targets.count / samples
    return outputs.withElements(of: Float.self) { outputs in
      targets.withElements(of: Float.self) { targets in
        (0..<samples).map { sample in
          var sum = 0.0
          for index in sample * length..<(sample + 1) * length {
            let difference = Double(transform(outputs[index])) - Double(targets[index])
            sum += difference * difference
          }
          return sum / Double(length)
        }
      }
    }
  }
}
