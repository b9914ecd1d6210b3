import GraphIR
import Operators
import Quantizers
import TensorCore

/// Puts into biases what zero-centring takes from the mean of each layer's output: a channel's mean weight times the
/// sum of the means of its inputs.
///
/// A2Q+ can't represent a channel's response to the mean of its inputs; its mean over the data is a constant, which
/// batch normalisation with the statistics of batches makes up for by itself, and frozen statistics or a plain bias
/// don't.
struct CentringCorrection {
  let plan: QuantizationPlan
  let runner: SampleRunner

  /// - Parameter graph: the float graph; only its biases, or what stands for them, change.
  /// - Throws: ``ConversionError`` where samples can't be run.
  func apply(to graph: inout Graph) throws(ConversionError) {
    var probe = graph
    var statistics: [ValueID: ChannelStatistics] = [:]
    var layers: [(layer: DotProductLayer, lost: ValueID)] = []
    for planned in plan.layers where planned.method == .a2qPlus {
      guard let lost = addProbe(planned.layer, to: &probe) else { continue }
      layers.append((planned.layer, lost))
      statistics[lost] = ChannelStatistics(
        channels: planned.layer.layout.channelCount, axis: planned.layer.outputAxis)
    }
    try runner.limited(to: OutputCorrection.sampleLimit).observe(layers.map(\.lost), in: probe) {
      value, elements, shape in statistics[value]?.observe(elements, shape: shape)
    }
    for (layer, lost) in layers {
      guard let means = statistics[lost]?.means else { continue }
      // A product without a bias keeps its shift: a new operator would have no parameter to train.
      _ = BiasCorrection(layer: layer, shift: means.map { Float(-$0) }).moveConstant(in: &graph)
    }
  }

  /// Adds the layer with its channels' mean weights in place of the weights, and without its bias.
  private func addProbe(_ layer: DotProductLayer, to graph: inout Graph) -> ValueID? {
    guard layer.layout.dotLength > 1, let weight = layer.weight(in: graph),
      let output = layer.output(in: graph)
    else { return nil }
    let rows = layer.layout.gather(weight)
    let length = layer.layout.dotLength
    let means = rows.means(length: length)
    let constant = graph.addConstant(
      name: layer.name + "_mean_weight",
      layer.layout.scatter(rows.indices.map { means[$0 / length] }, shape: weight.shape))
    let node = graph[layer.node]
    var inputs = Array(node.inputs.prefix(2))
    inputs[layer.weightPosition] = constant
    return graph.addNode(
      node.op, name: layer.name + "_centring", inputs: inputs, output: layer.name + "_centring",
      type: graph[output].type)
  }
}
