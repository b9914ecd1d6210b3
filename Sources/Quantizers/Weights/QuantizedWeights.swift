import CKernels
import TensorCore

/// The integers of a layer and their scales.
package struct QuantizedWeights: Sendable {
  /// C x K, row-major.
  package var codes: [Int8]
  /// One a channel: weight = integer x scale.
  package var scales: [Float]
  package var summary: QuantizationSummary

  package init(codes: [Int8], scales: [Float], summary: QuantizationSummary = QuantizationSummary())
  {
    self.codes = codes
    self.scales = scales
    self.summary = summary
  }

  /// Sum of squared differences from `weights`, one a channel.
  package func errors(from weights: [Float]) -> [Double] {
    let length = scales.isEmpty ? 0 : codes.count / scales.count
    precondition(
      weights.count >= scales.count * length, "\(weights.count) weights for \(codes.count)")
    var errors = [Double](repeating: 0, count: scales.count)
    errors.withUnsafeMutableBufferPointer { errors in
      Parallelism.forEachRange(
        count: errors.count, grain: max(1, (1 << 17) / max(length, 1)), sharing: errors
      ) { range, errors in
        for channel in range {
          let start = channel * length
          errors[channel] = codes.withUnsafeBufferPointer { codes in
            weights.withUnsafeBufferPointer { weights in
              snug_code_error(
                codes.baseAddress.map { $0 + start }, scales[channel],
                weights.baseAddress.map { $0 + start }, length)
            }
          }
        }
      }
    }
    return errors
  }

  /// Sum of squared differences from `weights` over their squared norm, or 0 where all are 0.
  package func relativeError(from weights: [Float]) -> Double {
    let norm = snug_square_sum(weights, weights.count)
    return norm > 0 ? errors(from: weights).reduce(0, +) / norm : 0
  }
}

extension WeightQuantizer {
  /// Initialises on a copy of float weights.
  ///
  /// - Returns: the parameters, and the weights as the initialisation leaves them.
  package func initialized(_ weights: [Float], _ initialization: WeightInitialization)
    throws(QuantizerError) -> (parameters: ChannelParameters, weights: [Float])
  {
    precondition(weights.count == layer.count, "\(weights.count) weights, not \(layer.count)")
    var copy = weights
    let parameters = try copy.withMutableBuffer { (buffer) throws(QuantizerError) in
      try initialize(buffer, initialization)
    }
    return (parameters, copy)
  }

  /// The layer's integers.
  package func quantize(_ weights: [Float], _ parameters: ChannelParameters)
    throws(QuantizerError) -> QuantizedWeights
  {
    precondition(weights.count == layer.count, "\(weights.count) weights, not \(layer.count)")
    var result = QuantizedWeights(
      codes: Array(repeating: 0, count: layer.count),
      scales: Array(repeating: 0, count: layer.channels))
    let summary = try result.codes.withMutableBuffer { (codes) throws(QuantizerError) in
      try result.scales.withMutableBuffer { (scales) throws(QuantizerError) in
        try weights.withBuffer { (weights) throws(QuantizerError) in
          try parameters.withView { (parameters) throws(QuantizerError) in
            try forward(weights, parameters, into: .init(codes: codes, scales: scales))
          }
        }
      }
    }
    result.summary = summary
    return result
  }
}

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
