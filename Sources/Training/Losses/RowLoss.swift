import TensorCore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// What losses over rows of classes share.
enum RowLoss {
  /// Elements worth a thread of their own: each takes an exponential.
  private static let grain = 1 << 12

  /// A probability counts as at least this, so that its logarithm is finite, and a gradient divided by it
  /// stays a finite float; a softmax before it brings that back to the size of a probability.
  static let leastProbability = 0x1p-120

  /// The mean over rows of what `body` gives for each, in parallel; added in the order of the rows.
  static func mean(rows: Int, classes: Int, _ body: @Sendable (_ row: Int) -> Double) -> Double {
    withUnsafeTemporaryAllocation(of: Double.self, capacity: rows) { losses in
      nonisolated(unsafe) let losses = losses
      Parallelism.forEachRange(count: rows, grain: max(1, grain / classes)) { range in
        for row in range { losses.initializeElement(at: row, to: body(row)) }
      }
      return losses.reduce(0, +) / Double(rows)
    }
  }

  /// The logits of softmax: the scores, or the logarithms of probabilities.
  static func logit(_ score: Float, _ kind: ScoreKind) -> Double {
    switch kind {
    case .logits: Double(score)
    // In this order NaN stays NaN.
    case .probabilities: log(Double(score) < leastProbability ? leastProbability : Double(score))
    }
  }

  /// The logarithm of the sum of exponentials of `factor` times the logits of a row.
  ///
  /// - Returns: NaN where a score is; the largest logit is taken out, so that nothing overflows.
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
