/// A weight quantization method whose scales are powers of two: s = 2^round(d).
///
/// The gradient of d passes straight through the rounding.
package struct PowerOfTwoScaled<Method: WeightQuantizer>: WeightQuantizer {
  package static var methodName: String { Method.methodName }

  private let method: Method

  package init(_ layer: WeightLayer) { method = Method(layer) }

  package init(_ method: Method) { self.method = method }

  package var layer: WeightLayer { method.layer }
  package var usesNorm: Bool { method.usesNorm }
  package var isConstrained: Bool { method.isConstrained }
  package var constraintName: String { method.constraintName }

  package func scale(_ log2Scale: Float) -> Float { method.scale(log2Scale.rounded()) }

  /// The scale is the next power of two that clips no weight.
  package func initialize(
    _ weights: UnsafeMutableBufferPointer<Float>, _ initialization: WeightInitialization
  ) throws(QuantizerError) -> ChannelParameters {
    var parameters = try method.initialize(weights, initialization)
    for channel in parameters.log2Scale.indices { parameters.log2Scale[channel].round(.up) }
    return parameters
  }

  @discardableResult package func forward(
    _ weights: UnsafeBufferPointer<Float>, _ parameters: ParameterView,
    into output: QuantizedBuffers
  ) throws(QuantizerError) -> QuantizationSummary {
    var rounded = Array(parameters.log2Scale)
    for channel in rounded.indices { rounded[channel].round() }
    return try rounded.withBuffer { (scales) throws(QuantizerError) in
      try method.forward(
        weights,
        ParameterView(
          log2Scale: scales, log2Norm: parameters.log2Norm, biases: parameters.biases),
        into: output)
    }
  }

  package func backward(
    _ weights: UnsafeBufferPointer<Float>, _ parameters: ParameterView,
    upstream: UnsafeBufferPointer<Float>, into gradients: GradientBuffers
  ) {
    var rounded = Array(parameters.log2Scale)
    for channel in rounded.indices { rounded[channel].round() }
    rounded.withUnsafeBufferPointer {
      method.backward(
        weights,
        ParameterView(log2Scale: $0, log2Norm: parameters.log2Norm, biases: parameters.biases),
        upstream: upstream, into: gradients)
    }
  }

  package func penalty(
    _ parameters: ParameterView, factor: Float, addingTo gradients: GradientBuffers
  ) -> Double { method.penalty(parameters, factor: factor, addingTo: gradients) }
}

extension WeightQuantizer {
  /// The method with scales of a type.
  package static func scaled(_ type: ScaleType) -> any WeightQuantizer.Type {
    type == .float ? Self.self : PowerOfTwoScaled<Self>.self
  }

  /// This quantizer with scales of a type.
  package func scaled(_ type: ScaleType) -> any WeightQuantizer {
    type == .float ? self : PowerOfTwoScaled(self)
  }
}
