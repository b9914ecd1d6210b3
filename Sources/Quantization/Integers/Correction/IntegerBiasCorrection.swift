import GraphIR
import Operators
import Quantizers
import TensorCore

/// ``OutputCorrection`` for a layer whose bias is integers in its accumulator.
///
/// The scale of a channel's weights is also its bias' step, and a bias takes room from the weights. So each
/// channel's bias is quantized anew for its new scale and its new value, and weights that no longer fit beside
/// it give way, cheapest unit first: a unit of weight is worth as many steps of the bias as the input has. What
/// that shifts is taken back, as far as room is left, by a second correction that moves the bias alone.
struct IntegerBiasCorrection {
  let planned: PlannedLayer
  let bias: LayerBias
  let input: ActivationQuantizer
  let recipe: Recipe
  /// The float weight in the graph's layout.
  let weight: Tensor?
  /// Whether variances are corrected too.
  let gains: Bool

  private var step: Float { planned.step(of: input) }

  /// - Returns: whether weights had to give way, and what was taken from the output behind the bias: by a
  ///   normalisation, `nil` where nothing was.
  func apply(
    to baked: inout BakedLayer, from actual: ChannelStatistics, to target: ChannelStatistics,
    in graph: inout Graph
  ) -> (movedWeights: Bool, shift: BiasCorrection?) {
    var layer = baked.quantized
    let products = products(layer, actual)
    let free = weightLayer(bias.values)
    if gains {
      let factors = OutputCorrection.gains(from: actual, to: target)
      for (channel, factor) in factors.enumerated()
      where layer.scales[channel] * factor >= free.leastScale(channel) {
        layer.scales[channel] *= factor
      }
    }
    let means = products.indices.map { channel in
      products[channel] * Double(layer.scales[channel] / baked.quantized.scales[channel])
    }
    let isNormalized = planned.layer.isNormalized(in: graph)
    let wanted =
      isNormalized
      ? bias.values : means.indices.map { Float(target.means[$0] - means[$0]) }
    let units = layer.fit(weightLayer(wanted), weights: weight.map(planned.layer.layout.gather))
    baked.replace(with: layer, in: &graph)
    if units == 0, isNormalized { return (false, shift(layer, means, target, in: &graph)) }
    return (units > 0, nil)
  }

  /// Moves the bias alone, as far as the weights leave it room.
  ///
  /// - Returns: what a normalisation takes from the output instead.
  func settle(
    _ baked: inout BakedLayer, from actual: ChannelStatistics, to target: ChannelStatistics,
    in graph: inout Graph
  ) -> BiasCorrection? {
    var layer = baked.quantized
    let products = products(layer, actual)
    if planned.layer.isNormalized(in: graph) {
      return shift(layer, products, target, in: &graph)
    }
    let wanted = weightLayer(products.indices.map { Float(target.means[$0] - products[$0]) })
    layer.settleBiases(of: wanted)
    baked.replace(with: layer, in: &graph)
    return nil
  }

  /// The mean of each channel's products, which the bias is added to.
  private func products(_ layer: QuantizedLayer, _ actual: ChannelStatistics) -> [Double] {
    let outside = bias.node != planned.layer.node
    return zip(actual.means, layer.biasValues(step: step)).map { $0 - (outside ? 0 : Double($1)) }
  }

  private func weightLayer(_ biases: [Float]) -> WeightLayer {
    var planned = planned
    planned.bias?.values = biases
    return LayerQuantization(planned: planned, input: input, recipe: recipe).weightLayer
  }

  /// Leaves the rest of a shift to the normalisation that follows.
  private func shift(
    _ layer: QuantizedLayer, _ means: [Double], _ target: ChannelStatistics, in graph: inout Graph
  ) -> BiasCorrection {
    let biases = layer.biasValues(step: step)
    let correction = BiasCorrection(
      layer: planned.layer,
      shift: means.indices.map { Float(means[$0] + Double(biases[$0]) - target.means[$0]) })
    correction.apply(to: &graph)
    return correction
  }
}
