/// Accumulator-aware quantization of zero-centred weights (A2Q+, arXiv 2401.10432, eq. 16 to 19).
///
///     w_q = s clip(rtz(min(g / s, T) (w - mean w) / |w - mean w|_1)),  T = (2^P - 2) / (2^N - 1)
///
/// Before rounding the positive and the negative part of a channel are T / 2 each; rounding toward
/// zero and clipping only shrink them, so that xmax S+ + |xmin| S- <= (2^N - 1) T / 2 = 2^(P-1) - 1.
///
/// A channel of one weight has nothing left once centred, so K = 1 is quantized as by A2Q.
package struct A2QPlusQuantizer: WeightQuantizer {
  package static let methodName = "a2q+"

  let core: NormConstrainedQuantizer

  package init(_ layer: WeightLayer) {
    core =
      layer.length > 1
      ? NormConstrainedQuantizer(layer, bound: .a2qPlus, centred: true)
      : NormConstrainedQuantizer(layer, bound: .a2q, centred: false)
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
    var summary = try core.forward(weights, parameters, into: output)
    summary.fellBackToA2Q = !core.centred && layer.channels > 0
    return summary
  }

  package func backward(
    _ weights: UnsafeBufferPointer<Float>, _ parameters: ParameterView,
    upstream: UnsafeBufferPointer<Float>, into gradients: GradientBuffers
  ) { core.backward(weights, parameters, upstream: upstream, into: gradients) }

  package func penalty(
    _ parameters: ParameterView, factor: Float, addingTo gradients: GradientBuffers
  ) -> Double { core.penalty(parameters, factor: factor, addingTo: gradients) }
}
