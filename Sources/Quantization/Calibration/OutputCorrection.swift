import GraphIR
import Operators
import TensorCore

/// Brings the distribution of each quantized layer's output back to that of the float layer, layer by layer
/// on calibration samples, each with all corrections before it in place.
///
/// The mean is corrected by a shift (Nagel et al. 2019, arXiv 1906.04721, section 4.2, measured on data). With
/// ``Recipe/Refinement/best`` the variance is corrected too, by a gain on the scale of the channel's weights,
/// which stands outside the accumulator and so leaves every integer as it is.
///
/// Where weights are chosen by the error of their output (``OutputQuantization``), each layer's are first, so that
/// they too see all that was done before them.
struct OutputCorrection {
  let plan: QuantizationPlan
  let runner: SampleRunner
  let correctsMean: Bool
  let correctsGain: Bool

  /// The most samples that statistics are taken over.
  static let sampleLimit = 256
  /// The most elements of layers' outputs that are kept at a time, which large images reach with fewer samples.
  static let elementLimit = 1 << 26
  /// Gains outside this range come from channels that are nearly constant, and are left out.
  static let gains: ClosedRange<Double> = 0.1...10

  /// - Parameters:
  ///   - float: the graph before quantization.
  ///   - quantized: the baked graph, changed in place.
  ///   - baked: where the parameters of each layer stand.
  ///   - recipe: how weights are chosen anew, if at all.
  /// - Returns: the shift taken from each layer's output, `nil` for one that is left as it is, or whose integer bias
  ///   takes it.
  /// - Throws: ``ConversionError`` where samples can't be run.
  func run(
    float: Graph, quantized: inout Graph, baked: inout [BakedLayer], recipe: Recipe,
    progress: (Int) -> Void = { _ in }
  ) throws(ConversionError) -> [BiasCorrection?] {
    var corrections = [BiasCorrection?](repeating: nil, count: plan.layers.count)
    let layers = plan.layers.map(\.layer)
    let samples = try LayerWalk.sampleLimit(
      layers, runner: runner, graph: float, elements: Self.elementLimit)
    let limited = runner.limited(to: min(Self.sampleLimit, samples))
    let targets = correctsMean ? try statistics(of: float, limited) : []
    var walk = try LayerWalk(layers, runner: limited, graph: quantized)
    var weights =
      OutputQuantization.isNeeded(recipe)
      ? try OutputQuantization(plan: plan, recipe: recipe, runner: limited, float: float) : nil
    for (index, planned) in plan.layers.enumerated() {
      try weights?.run(index, &baked[index], in: &quantized, walk)
      if correctsMean, let target = targets[index] {
        var actual = ChannelStatistics(
          channels: planned.layer.layout.channelCount, axis: planned.layer.outputAxis)
        try walk.observe(index, in: quantized) { actual.observe($0, shape: $1) }
        if actual.count > 0, let bias = planned.bias {
          corrections[index] = try correct(
            IntegerBiasCorrection(
              planned: planned, bias: bias, input: plan.groups[planned.group], recipe: recipe,
              weight: planned.layer.weight(in: float), gains: correctsGain),
            index, &baked[index], from: actual, to: target, in: &quantized, walk)
        } else if actual.count > 0 {
          corrections[index] = correct(
            planned.layer, &baked[index], from: actual, to: target, in: &quantized)
        }
      }
      try walk.advance(past: index, in: quantized)
      progress(index + 1)
    }
    return corrections
  }

  /// Corrects a layer whose bias counts in its accumulator; once more where that has moved its weights.
  private func correct(
    _ correction: IntegerBiasCorrection, _ index: Int, _ baked: inout BakedLayer,
    from actual: ChannelStatistics, to target: ChannelStatistics, in graph: inout Graph,
    _ walk: LayerWalk
  ) throws(ConversionError) -> BiasCorrection? {
    let (movedWeights, shift) = correction.apply(to: &baked, from: actual, to: target, in: &graph)
    guard movedWeights else { return shift }
    let layer = correction.planned.layer
    var moved = ChannelStatistics(channels: layer.layout.channelCount, axis: layer.outputAxis)
    try walk.observe(index, in: graph) { moved.observe($0, shape: $1) }
    return correction.settle(&baked, from: moved, to: target, in: &graph)
  }

  private func statistics(of graph: Graph, _ runner: SampleRunner) throws(ConversionError)
    -> [ChannelStatistics?]
  {
    var statistics: [ChannelStatistics?] = plan.layers.map {
      ChannelStatistics(channels: $0.layer.layout.channelCount, axis: $0.layer.outputAxis)
    }
    var indexOfOutput: [ValueID: Int] = [:]
    for (index, planned) in plan.layers.enumerated() {
      if let output = planned.layer.output(in: graph) { indexOfOutput[output] = index }
    }
    let outputs = plan.layers.compactMap { $0.layer.output(in: graph) }
    try runner.observe(outputs, in: graph) { value, elements, shape in
      if let index = indexOfOutput[value] { statistics[index]?.observe(elements, shape: shape) }
    }
    return statistics.map { ($0?.count ?? 0) > 0 ? $0 : nil }
  }

  /// What each channel's products are multiplied with so that their variance becomes another one.
  static func gains(from actual: ChannelStatistics, to target: ChannelStatistics) -> [Float] {
    zip(actual.variances, target.variances).map { found, wanted in
      let gain = (wanted / found).squareRoot()
      return gains.contains(gain) ? Float(gain) : 1
    }
  }

  private func correct(
    _ layer: DotProductLayer, _ baked: inout BakedLayer, from actual: ChannelStatistics,
    to target: ChannelStatistics, in graph: inout Graph
  ) -> BiasCorrection {
    let channels = actual.means.count
    var gains = [Float](repeating: 1, count: channels)
    if correctsGain {
      gains = Self.gains(from: actual, to: target)
      baked.multiplyScales(by: gains, in: &graph)
    }
    // The gain acts on the products alone, so a bias inside the node keeps its size.
    let bias = layer.bias(in: graph) ?? [Float](repeating: 0, count: channels)
    let shift = (0..<channels).map { channel in
      let product = actual.means[channel] - Double(bias[channel])
      let mean = product * Double(gains[channel]) + Double(bias[channel])
      return Float(mean - target.means[channel])
    }
    let correction = BiasCorrection(layer: layer, shift: shift)
    correction.apply(to: &graph)
    return correction
  }
}
