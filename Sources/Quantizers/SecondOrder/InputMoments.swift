import TensorCore

/// Sums over samples of the products of a group's inputs: of the quantized network's input x and the float
/// network's input x~ at the same place, K each.
///
/// They determine, up to a constant, the error of the output of any weights: sum (w . x~ - v . x)^2.
package struct InputMoments: Sendable {
  /// K.
  package let length: Int
  /// Samples seen.
  package private(set) var count = 0
  /// Sum of x x^T, K x K; the upper triangle.
  private(set) var square: [Float]
  /// Sum of x x~^T, K x K.
  private(set) var cross: [Float]
  private(set) var sum: [Double]
  private(set) var floatSum: [Double]

  /// Whether a layer's moments are of a size that is worth holding: K of up to 6144 in one group.
  package static func areFeasible(groups: Int, length: Int) -> Bool {
    let (square, overflow) = length.multipliedReportingOverflow(by: length)
    let (total, tooMany) = square.multipliedReportingOverflow(by: groups)
    return !overflow && !tooMany && total <= 6144 * 6144
  }

  package init(length: Int) {
    self.length = length
    square = [Float](repeating: 0, count: length * length)
    cross = square
    sum = [Double](repeating: 0, count: length)
    floatSum = sum
  }

  /// The sum of x_i x_j.
  package func product(_ i: Int, _ j: Int) -> Double {
    Double(square[min(i, j) * length + max(i, j)])
  }

  /// The sum of x_i x~_j.
  package func crossProduct(_ i: Int, _ j: Int) -> Double { Double(cross[i * length + j]) }

  /// Takes in samples.
  ///
  /// - Parameters:
  ///   - quantized: rows of x, `stride` elements apart.
  ///   - float: rows of x~ in the same order, likewise.
  package mutating func add(
    quantized: UnsafePointer<Float>, float: UnsafePointer<Float>, rows: Int, stride: Int
  ) {
    guard rows > 0, length > 0 else { return }
    count += rows
    for row in 0..<rows {
      for index in 0..<length {
        sum[index] += Double(quantized[row * stride + index])
        floatSum[index] += Double(float[row * stride + index])
      }
    }
    square.withUnsafeMutableBufferPointer {
      guard let base = $0.baseAddress else { return }
      DenseAlgebra.addSquare(quantized, depth: rows, stride: stride, size: length, to: base)
    }
    cross.withUnsafeMutableBufferPointer {
      guard let base = $0.baseAddress else { return }
      DenseAlgebra.addTransposedProduct(
        quantized, float, depth: rows, stride: stride, rows: length, columns: length, to: base)
    }
  }
}
