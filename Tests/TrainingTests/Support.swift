import Foundation
import TensorCore
import TestSupport

@testable import Training

extension Array {
  /// `withUnsafeBufferPointer` with typed throws.
  func withBuffer<Result, Failure: Error>(
    _ body: (UnsafeBufferPointer<Element>) throws(Failure) -> Result
  ) throws(Failure) -> Result { try withUnsafeBufferPointer(body) }

  /// `withUnsafeMutableBufferPointer` with typed throws.
  mutating func withMutableBuffer<Result, Failure: Error>(
    _ body: (UnsafeMutableBufferPointer<Element>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try withUnsafeMutableBufferPointer { (buffer) throws(Failure) in try body(buffer) }
  }
}

/// Reproducible floats in a range.
func randomFloats(_ count: Int, in range: ClosedRange<Float>, seed: UInt64) -> [Float] {
  var generator = SplitMix(seed: seed)
  return (0..<count).map { _ in Float.random(in: range, using: &generator) }
}

/// What `body` gives with one thread, and with three.
func withOneAndThreeThreads<Result>(_ body: () throws -> Result) rethrows -> (Result, Result) {
  (
    try Parallelism.$threadCountOfTask.withValue(1, operation: body),
    try Parallelism.$threadCountOfTask.withValue(3, operation: body)
  )
}

extension Optimizer {
  /// One step on arrays.
  func step(_ parameters: inout [Float], _ gradients: [Float], rate: Double) {
    parameters.withMutableBuffer { parameters in
      gradients.withBuffer {
        step(parameters: parameters, gradients: $0, learningRate: rate)
      }
    }
  }
}

/// How far two lists are apart, relative to the larger of 1e-6 and the second's elements.
func largestRelativeError(_ values: [Float], _ expected: [Double]) -> Double {
  zip(values, expected).map { abs(Double($0) - $1) / max(abs($1), 1e-6) }.max() ?? 0
}
