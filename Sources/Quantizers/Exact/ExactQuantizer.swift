import AccumulatorBounds
import CKernels

/// Optimal integers under the exact budget of the accumulator.
///
///     w_q = s q,  q = argmin sum (q_i s - w_i)^2 over |q_i| <= 2^(M-1) - 1 and (S+, S-) in the budget
///
/// No centring, no norm parameter, no rounding toward zero: see ``ExactProjection``. The forward pass
/// itself projects, so initialisation leaves the weights as they are. With a closed form in the budget's place
/// (``AccumulatorBudget/bound``) these are the nearest integers that the form's own method allows.
public struct ExactQuantizer: WeightQuantizer {
  package static let methodName = "exact"

  /// How gradients reach the weights.
  public enum Gradient: String, Sendable, Hashable, Codable, CaseIterable {
    /// Through projection and rounding as if they were not there; none to a clipped weight.
    case straightThrough = "straight-through"
    /// Through rounding, and by the projection's Jacobian: on the active weights of a sign whose
    /// budget binds, the identity less the mean; none to that sign's weights of 0.
    case jacobian
  }

  package let layer: WeightLayer
  package let gradient: Gradient

  package init(_ layer: WeightLayer) { self.init(layer, gradient: .straightThrough) }

  package init(_ layer: WeightLayer, gradient: Gradient) {
    self.layer = layer
    self.gradient = gradient
  }

  package var usesNorm: Bool { false }
  package var isConstrained: Bool { true }

  package var constraintName: String {
    switch layer.budget(0).bound {
    case .a2q: A2QQuantizer.methodName
    case .a2qPlus: A2QPlusQuantizer.methodName
    case nil: Self.methodName
    }
  }

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
    return try layer.forEachChannel(sharing: weights) { index, summary, weights in
      let scale = NormConstrainedQuantizer.scale(parameters.log2Scale[index])
      let budget = layer.budget(index, scale: scale, current: parameters.biases)
      guard budget.isFeasible else { return .infeasibleBudget(channel: index) }
      let row = layer.row(index, of: weights)
      guard scale.isFinite else { return .nonFiniteParameter(channel: index) }
      let norm = snug_row_absolute(row.baseAddress, row.count, 0)
      guard norm.sum.isFinite else {
        return row.firstNonFinite.map { .nonFiniteWeight(channel: index, index: $0) }
      }
      let target = RowOutput(index, of: layer, in: output)
      target.setScale(scale)
      if norm.largest == 0 {
        summary.degenerateChannels += 1
        target.clear()
        return nil
      }
      target.withCodes(count: row.count) { codes in
        ExactProjection(budget: budget, limit: layer.limit)
          .project(row, scale: scale, into: codes)
        if let values = target.values {
          for position in codes.indices { values[position] = Float(codes[position]) * scale }
        }
        target.meet(budget, row: row, scale: scale, codes: codes, &summary)
      }
      return nil
    }
  }
}
