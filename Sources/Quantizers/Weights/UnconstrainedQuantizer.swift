import CKernels

/// Plain per-channel quantization: symmetric, narrow, round to nearest with ties to even, the scale
/// first set by the largest weight. The baseline; its accumulators may overflow.
///
///     w_q = s clip(round(w / s))
///
/// Gradients: straight through inside the range, none to a clipped weight; to the scale G (q - w / s)
/// inside and G q outside (learned step size, arXiv 1902.08153, without its gradient scaling).
package struct UnconstrainedQuantizer: WeightQuantizer {
  package static let methodName = "unconstrained"

  package let layer: WeightLayer

  package init(_ layer: WeightLayer) { self.layer = layer }

  package var usesNorm: Bool { false }
  package var isConstrained: Bool { false }

  package func initialize(
    _ weights: UnsafeMutableBufferPointer<Float>, _ initialization: WeightInitialization
  ) throws(QuantizerError) -> ChannelParameters {
    var parameters = try layer.parameters(UnsafeBufferPointer(weights))
    parameters.log2Norm = []
    return parameters
  }

  package func forward(
    _ weights: UnsafeBufferPointer<Float>, _ parameters: ParameterView,
    into output: QuantizedBuffers
  ) throws(QuantizerError) -> QuantizationSummary {
    return try layer.forEachChannel(sharing: weights) { index, _, weights in
      let row = layer.row(index, of: weights)
      let map = map(parameters.log2Scale[index])
      guard map.scale.isFinite else { return .nonFiniteParameter(channel: index) }
      guard snug_row_sum(row.baseAddress, row.count).isFinite else {
        return row.firstNonFinite.map { .nonFiniteWeight(channel: index, index: $0) }
      }
      let target = RowOutput(index, of: layer, in: output)
      target.setScale(map.scale)
      _ = snug_row_to_nearest(
        row.baseAddress, row.count, map, target.codes?.baseAddress, target.values?.baseAddress)
      return nil
    }
  }

  package func backward(
    _ weights: UnsafeBufferPointer<Float>, _ parameters: ParameterView,
    upstream: UnsafeBufferPointer<Float>, into gradients: GradientBuffers
  ) {
    layer.forEachChannel(sharing: weights, upstream) { index, weights, upstream in
      let row = layer.row(index, of: weights)
      let map = map(parameters.log2Scale[index])
      let scale = snug_row_nearest_gradient(
        row.baseAddress, layer.row(index, of: upstream).baseAddress, row.count, map,
        layer.row(index, of: gradients.weights).baseAddress)
      gradients.log2Scale[index] = Float(scale) * ln2 * map.scale
    }
  }

  private func map(_ log2Scale: Float) -> snug_row_map {
    let scale = NormConstrainedQuantizer.scale(log2Scale)
    return snug_row_map(
      centre: 0, pre_scale: scale, offset: 0, limit: Float(layer.limit), scale: scale)
  }
}
