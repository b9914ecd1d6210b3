import TensorCore

/// What losses over rows of class scores share.
enum RowLoss {
  /// The number of elements worth a thread of its own; each takes an exponential.
  private static let grain = 1 << 12

  /// The least probability that is reckoned with, so that logarithms are finite, and a gradient divided by a
  /// probability stays a finite float; a softmax before the loss scales that gradient back.
  static let leastProbability = 0x1p-120

  /// The mean over rows of the values of `body`, which run in parallel and are added in the order of the rows.
  ///
  /// - Parameter shared: what is safe to use from several threads at once.
  static func mean<each Shared>(
    rows: Int, classes: Int, sharing shared: repeat each Shared,
    do body: @Sendable (_ row: Int, repeat each Shared) -> Double
  ) -> Double {
    withUnsafeTemporaryAllocation(of: Double.self, capacity: rows) { losses in
      Parallelism.forEachRange(
        count: rows, grain: max(1, grain / classes), sharing: losses, repeat each shared
      ) {
        (range: Range<Int>, losses: UnsafeMutableBufferPointer<Double>, shared: repeat each Shared)
        in
        for row in range { losses.initializeElement(at: row, to: body(row, repeat each shared)) }
      }
      return losses.reduce(0, +) / Double(rows)
    }
  }

  /// The input of softmax that gives a score: the score itself, or the logarithm of a probability.
  static func logit(_ score: Float, _ kind: ScoreKind) -> Double {
    switch kind {
    case .logits: Double(score)
    // Compared in this order, NaN stays NaN.
    case .probabilities: log(Double(score) < leastProbability ? leastProbability : Double(score))
    }
  }

  /// The logarithm of the sum of exponentials of `factor` times the logits of a row.
  ///
  /// - Returns: the logarithm; NaN where a score is NaN. The largest logit is factored out, so that nothing
  ///   overflows.
  static func logarithmicSum(
    _ scores: UnsafePointer<Float>, _ classes: Int, _ kind: ScoreKind, factor: Double = 1
  ) -> Double {
    var largest = -Double.infinity
    for index in 0..<classes { largest = max(largest, logit(scores[index], kind) * factor) }
    var sum = 0.0
    for index in 0..<classes { sum += exp(logit(scores[index], kind) * factor - largest) }
    return largest + log(sum)
  }

  /// Checks the buffers of a batch.
  ///
  /// - Returns: the number of classes.
  static func classes(
    rows: Int, outputs: Int, gradient: Int?
  ) throws(LossError) -> Int {
    guard rows > 0, outputs > 0 else { throw .empty }
    guard outputs.isMultiple(of: rows) else {
      throw .count(.outputs, expected: (outputs / rows + 1) * rows, actual: outputs)
    }
    if let gradient, gradient != outputs {
      throw .count(.gradient, expected: outputs, actual: gradient)
    }
    return outputs / rows
  }
}
