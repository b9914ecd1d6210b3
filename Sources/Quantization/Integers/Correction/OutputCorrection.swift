import GraphIR
import Operators
import TensorCore

/// Brings the distribution of a quantized layer's output back to that of the float layer, on calibration samples.
///
/// The mean is corrected by a shift (Nagel et al. 2019, arXiv 1906.04721, section 4.2, measured on data). With
/// ``Recipe/Refinement/best`` the variance is corrected too, by a gain on the scale of the channel's weights,
/// which stands outside the accumulator and so leaves every integer as it is.
struct OutputCorrection {
  private let plan: QuantizationPlan
  private let recipe: Recipe
  private let float: Graph
  /// Of each float layer's output; `nil` for one that no sample has shown.
  private let targets: [ChannelStatistics?]

  /// Gains outside this range come from channels that are nearly constant, and are left out.
  private static let gains: ClosedRange<Double> = 0.1...10

  /// - Parameters:
  ///   - runner: the samples that the quantized graph is walked through with.
  ///   - float: the graph before quantization.
  ///   - observations: what samples show of it.
  /// - Throws: ``ConversionError`` where samples can't be run.
  init(
    plan: QuantizationPlan, recipe: Recipe, runner: SampleRunner, float: Graph,
    observations: FloatObservations
  ) throws(ConversionError) {
    self.plan = plan
    self.recipe = recipe
    self.float = float
    targets = try observations.outputStatistics(
      of: plan.layers.map(\.layer), in: float, runner)
  }

  private var correctsGain: Bool { recipe.refine == .best && recipe.scaleType == .float }

  /// Corrects a layer; those before it must have been corrected and passed.
  ///
  /// - Parameters:
  ///   - baked: where the parameters of the layer stand.
  ///   - graph: the baked graph, changed in place.
  /// - Returns: the shift taken from the layer's output; `nil` where it is left as it is, or its integer bias takes it.
  /// - Throws: ``ConversionError`` where samples can't be run.
  func run(_ index: Int, _ baked: inout BakedLayer, in graph: inout Graph, _ walk: LayerWalk)
    throws(ConversionError) -> BiasCorrection?
  {
    guard let target = targets[index] else { return nil }
    let planned = plan.layers[index]
    let actual = try Self.statistics(of: planned.layer, index, in: graph, walk)
    if actual.count == 0 { return nil }
    guard let bias = planned.bias else {
      return correct(planned.layer, &baked, from: actual, to: target, in: &graph)
    }
    let correction = IntegerBiasCorrection(
      planned: planned, bias: bias, input: plan.input(of: planned), recipe: recipe,
      weight: planned.layer.weight(in: float), gains: correctsGain)
    let (movedWeights, shift) = correction.apply(to: &baked, from: actual, to: target, in: &graph)
    guard movedWeights else { return shift }
    // Weights that gave way have moved the output once more.
    let moved = try Self.statistics(of: planned.layer, index, in: graph, walk)
    return correction.settle(&baked, from: moved, to: target, in: &graph)
  }

  private static func statistics(
    of layer: DotProductLayer, _ index: Int, in graph: Graph, _ walk: LayerWalk
  ) throws(ConversionError) -> ChannelStatistics {
    var statistics = ChannelStatistics(
      channels: layer.layout.channelCount, axis: layer.outputAxis)
    try walk.observe(index, in: graph) { statistics.observe($0, shape: $1) }
    return statistics
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
    // A scale that several layers share can't follow the outputs of one.
    if correctsGain && !baked.sharesWeight {
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
