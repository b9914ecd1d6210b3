/// The integers of a layer and their scales.
public struct QuantizedWeights: Sendable {
  /// C x K, row-major.
  public var codes: [Int8]
  /// One a channel: weight = integer x scale.
  public var scales: [Float]
  public var summary: QuantizationSummary

  /// Sum of squared differences from `weights`, one a channel.
  public func errors(from weights: [Float]) -> [Double] {
    let length = scales.isEmpty ? 0 : codes.count / scales.count
    return scales.enumerated().map { channel, scale in
      var error = 0.0
      for index in channel * length..<(channel + 1) * length {
        let rest = Double(codes[index]) * Double(scale) - Double(weights[index])
        error += rest * rest
      }
      return error
    }
  }

  /// Sum of squared differences from `weights` over their squared norm, or 0 where all are 0.
  public func relativeError(from weights: [Float]) -> Double {
    let norm = weights.reduce(0.0) { $0 + Double($1) * Double($1) }
    return norm > 0 ? errors(from: weights).reduce(0, +) / norm : 0
  }
}

extension WeightQuantizer {
  /// Initialises on a copy of float weights.
  ///
  /// - Returns: the parameters, and the weights as the initialisation leaves them.
  public func initialized(_ weights: [Float], _ initialization: WeightInitialization)
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
  public func quantize(_ weights: [Float], _ parameters: ChannelParameters)
    throws(QuantizerError) -> QuantizedWeights
  {
    precondition(weights.count == layer.count, "\(weights.count) weights, not \(layer.count)")
    var result = QuantizedWeights(
      codes: Array(repeating: 0, count: layer.count),
      scales: Array(repeating: 0, count: layer.channels), summary: .init())
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
