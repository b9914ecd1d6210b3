import AccumulatorBounds
import CKernels

extension ExactQuantizer {
  /// The scale's gradient is sum of G q - v J^T G with v = w / s and J the projection's Jacobian in
  /// either mode, since a budget in integers grows in value with the scale. With tiles all gradients
  /// are straight through.
  ///
  /// The integers are computed again, not remembered.
  package func backward(
    _ weights: UnsafeBufferPointer<Float>, _ parameters: ParameterView,
    upstream: UnsafeBufferPointer<Float>, into gradients: GradientBuffers
  ) {
    layer.forEachChannel(sharing: weights, upstream) { index, weights, upstream in
      let row = layer.row(index, of: weights)
      let scale = NormConstrainedQuantizer.scale(parameters.log2Scale[index])
      let budget = layer.budget(index, scale: scale, current: parameters.biases)
      let gradient = layer.row(index, of: gradients.weights)
      withUnsafeTemporaryAllocation(of: Int8.self, capacity: row.count) { codes in
        codes.initialize(repeating: 0)
        if budget.isFeasible, scale.isFinite {
          ExactProjection(budget: budget, limit: layer.limit)
            .project(row, scale: scale, into: codes)
        }
        let ofScale = backward(
          row, scale: scale, codes: UnsafeBufferPointer(codes), budget: budget,
          upstream: layer.row(index, of: upstream), into: gradient)
        gradients.log2Scale[index] = Float(ofScale) * ln2 * scale
      }
    }
  }

  /// Gradients of one channel.
  ///
  /// - Returns: the gradient of the scale.
  func backward(
    _ row: UnsafeBufferPointer<Float>, scale: Float, codes: UnsafeBufferPointer<Int8>,
    budget: AccumulatorBudget, upstream: UnsafeBufferPointer<Float>,
    into gradient: UnsafeMutableBufferPointer<Float>
  ) -> Double {
    let clip = (Float(layer.limit) + 0.5) * scale
    let map = snug_projection_map(
      row: row, scale: scale, limit: layer.limit, clip: clip, codes: codes, budget: budget,
      upstream: upstream)
    return snug_projection_gradient(
      row.baseAddress, codes.baseAddress, upstream.baseAddress, row.count, scale, clip, map,
      self.gradient == .straightThrough ? 1 : 0, gradient.baseAddress)
  }
}
