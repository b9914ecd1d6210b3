/// Accumulator-aware quantization by an l1-norm constraint (A2Q, arXiv 2308.13504).
///
///     w_q = s clip(rtz(min(g / s, T) w / |w|_1)),  T = (2^(P-1) - 1) 2^([x signed] - N)
///
/// Every accumulation is at most max|x| |q|_1 <= 2^(P-1) - 1 in magnitude.
package struct A2QQuantizer: WeightQuantizer {
  package static let methodName = "a2q"

  let core: NormConstrainedQuantizer

  package init(_ layer: WeightLayer) {
    core = NormConstrainedQuantizer(layer, bound: .a2q, centred: false)
  }

  package var layer: WeightLayer { core.layer }
  package var usesNorm: Bool { true }
  package var isConstrained: Bool { true }

  package func initialize(
    _ weights: UnsafeMutableBufferPointer<Float>, _ initialization: WeightInitialization
  ) throws(QuantizerError) -> ChannelParameters { try core.initialize(weights, initialization) }

  package func forward(
    _ weights: UnsafeBufferPointer<Float>, _ parameters: ParameterView,
    into output: QuantizedBuffers
  ) throws(QuantizerError) -> QuantizationSummary {
    try core.forward(weights, parameters, into: output)
  }

  package func backward(
    _ weights: UnsafeBufferPointer<Float>, _ parameters: ParameterView,
    upstream: UnsafeBufferPointer<Float>, into gradients: GradientBuffers
  ) { core.backward(weights, parameters, upstream: upstream, into: gradients) }

  package func penalty(
    _ parameters: ParameterView, factor: Float, addingTo gradients: GradientBuffers
  ) -> Double { core.penalty(parameters, factor: factor, addingTo: gradients) }
}
