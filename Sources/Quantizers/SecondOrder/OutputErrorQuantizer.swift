import AccumulatorBounds
import TensorCore

/// Chooses a layer's integers and scales by the error of its output on calibration data, under the exact budget
/// of each channel.
///
/// Start: integers and scales that meet the budgets. From there, as far as settings go:
/// 1. The scale is searched: for each candidate the exact projection of w* (``OutputObjective``), whose
///    integers then get the scale that fits them best, s = (q H w*) / (q H q).
/// 2. Greedy rounding with error feedback at the best scale so far and next to it.
/// 3. Descent by single units and pairs (``IntegerDescent``), with the scale fitted in between.
/// Of all these, each channel keeps what has the least error, so that the result is never worse than the start.
/// Every candidate meets the budget by construction, and the integers pass the exact check at the end.
public struct OutputErrorQuantizer: Sendable {
  /// How values become integers.
  public enum Rounding: String, Sendable, Hashable, Codable, CaseIterable {
    /// The nearest integers in the budget.
    case nearest
    /// Greedy, each error made up for by all weights to come.
    case optq
    /// Greedy, each error made up for by the next weight.
    case gpfq
  }

  package let layer: WeightLayer
  package var rounding: Rounding
  /// Whether scales change, and integers are improved by descent; else greedy rounding at the given scales is
  /// all.
  package var searchesScale: Bool
  /// Whether a mean shift of the output counts as no error, since it is corrected.
  package var ignoresMean: Bool

  package var scaleType: ScaleType

  /// Candidates as multiples of the scale to start from: 1/2 to 8.
  private var factors: [Float] {
    scaleType == .float ? (-4...12).map { exp2(Float($0) / 4) } : (-1...3).map { exp2(Float($0)) }
  }
  /// Scales at which greedy rounding is tried, as multiples of the best so far.
  private var feedbackFactors: [Float] {
    scaleType == .float ? (-2...2).map { exp2(Float($0) / 8) } : [0.5, 1, 2]
  }
  static let descents = 3
  /// Samples a weight from which on they tell all that is needed of a layer's inputs.
  package static let samplesPerWeight = OutputObjective.samplesPerWeight

  package init(
    _ layer: WeightLayer, rounding: Rounding, searchesScale: Bool, ignoresMean: Bool,
    scaleType: ScaleType = .float
  ) {
    self.layer = layer
    self.rounding = rounding
    self.searchesScale = searchesScale
    self.ignoresMean = ignoresMean
    self.scaleType = scaleType
  }

  /// - Parameters:
  ///   - weights: the float weights, C x K.
  ///   - start: integers and scales that meet the budgets.
  ///   - moments: one for each group of C / count consecutive channels.
  ///   - heldOut: the same of samples that `moments` doesn't have, where these are few: a channel keeps its start unless
  ///     its output comes nearer on them too.
  /// - Throws: ``QuantizerError/infeasibleBudget(channel:)`` where a bias alone leaves the accumulator.
  package func quantize(
    _ weights: [Float], from start: QuantizedWeights, moments: [InputMoments],
    heldOut: [InputMoments]? = nil
  ) throws(QuantizerError) -> QuantizedWeights {
    precondition(weights.count == layer.count, "\(weights.count) weights, not \(layer.count)")
    precondition(!moments.isEmpty && layer.channels % moments.count == 0, "unequal groups")
    precondition(moments.allSatisfy { $0.length == layer.length }, "moments of another length")
    if let channel = (0..<layer.channels).first(where: { !layer.budget($0).isFeasible }) {
      throw .infeasibleBudget(channel: channel)
    }
    var result = start
    let size = layer.channels / moments.count
    var groups = [GroupSearch.Best?](repeating: nil, count: moments.count)
    groups.withUnsafeMutableBufferPointer { groups in
      // Groups are many and small, or one; inside a parallel loop the inner ones run on one thread.
      Parallelism.forEachRange(count: moments.count, sharing: groups) { range, groups in
        for group in range {
          groups[group] = best(
            weights, start, moments[group], channels: group * size..<(group + 1) * size)
        }
      }
    }
    for (group, best) in groups.enumerated() {
      guard let best else { continue }
      for (index, scale) in best.scales.enumerated() { result.scales[group * size + index] = scale }
      let first = group * size * layer.length
      for (index, integer) in best.integers.enumerated() {
        result.codes[first + index] = Int8(integer)
      }
    }
    if let heldOut { keepStart(start, in: &result, weights, heldOut) }
    meetBudgets(&result, weights)
    return result
  }

  /// Takes back what doesn't hold on other samples.
  private func keepStart(
    _ start: QuantizedWeights, in result: inout QuantizedWeights, _ weights: [Float],
    _ heldOut: [InputMoments]
  ) {
    let size = layer.channels / heldOut.count
    for (group, moments) in heldOut.enumerated() {
      let channels = group * size..<(group + 1) * size
      let elements = channels.lowerBound * layer.length..<channels.upperBound * layer.length
      func errors(_ candidate: QuantizedWeights) -> [Double] {
        let values = elements.map {
          Float(candidate.codes[$0]) * candidate.scales[$0 / layer.length]
        }
        return moments.outputErrors(
          of: values, weights: Array(weights[elements]), centred: ignoresMean)
      }
      for (channel, (found, old)) in zip(channels, zip(errors(result), errors(start)))
      where found > old {
        let row = channel * layer.length..<(channel + 1) * layer.length
        result.codes.replaceSubrange(row, with: start.codes[row])
        result.scales[channel] = start.scales[channel]
      }
    }
  }

  private func best(
    _ weights: [Float], _ start: QuantizedWeights, _ moments: InputMoments, channels: Range<Int>
  ) -> GroupSearch.Best {
    let elements = channels.lowerBound * layer.length..<channels.upperBound * layer.length
    let objective = OutputObjective(
      moments, weights: Array(weights[elements]), centred: ignoresMean)
    let start = GroupSearch.Best(
      integers: start.codes[elements].map(Float.init), scales: Array(start.scales[channels]))
    // Inputs beyond what single precision holds tell nothing.
    guard objective.isFinite else { return start }
    var search = GroupSearch(
      layer: layer, firstChannel: channels.lowerBound, objective: objective, start: start,
      scaleType: scaleType)
    let feedback: OutputObjective.Feedback? =
      switch rounding {
      case .nearest: nil
      case .optq: .optq
      case .gpfq: .gpfq
      }
    guard searchesScale else {
      if let feedback { search.round(feedback) }
      return search.best
    }
    search.fitStart()
    for factor in factors { search.project(factor: factor) }
    if let feedback { search.round(feedback, factors: feedbackFactors) }
    for _ in 0..<Self.descents { search.descend() }
    return search.best
  }

  /// The exact integer check of every channel, and its repair should the choice have missed it.
  private func meetBudgets(_ result: inout QuantizedWeights, _ weights: [Float]) {
    let scales = result.scales
    let units = layer.repaired(&result.codes, scales: scales, weights: weights)
    result.summary.repairedChannels += units.count { $0 > 0 }
    result.summary.repairedUnits += units.reduce(0, +)
  }
}
