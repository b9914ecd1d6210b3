import GraphIR
import Operators
import TensorCore

/// The constant that is added to a layer's sums, from which an engine would start its accumulators.
///
/// 1. The bias input of Conv, ConvTranspose or Gemm.
/// 2. The constant of an Add that alone reads the output of MatMul.
struct LayerBias: Sendable {
  /// The node that adds it, and the position of the constant among its inputs.
  let node: NodeID
  let position: Int
  /// One number a channel.
  var values: [Float]

  /// `nil` where no constant of one number a channel is added.
  init?(_ layer: DotProductLayer, in graph: Graph) {
    let node = graph[layer.node]
    guard let form = node.op.dotProduct else { return nil }
    if form.biasPosition == nil {
      guard layer.dataPosition == 0, let (add, position) = layer.addition(in: graph),
        let tensor = graph[add].inputs[position].flatMap({ graph[$0].constant }),
        tensor.elementType == .float32, tensor.count == layer.layout.channelCount,
        tensor.shape.last == tensor.count
      else { return nil }
      self.init(node: add, position: position, values: tensor.elements(of: Float.self))
      return
    }
    guard form.beta == 1, form.alpha > 0, let values = layer.bias(in: graph) else { return nil }
    self.init(node: layer.node, position: 2, values: values)
  }

  private init(node: NodeID, position: Int, values: [Float]) {
    self.node = node
    self.position = position
    self.values = values
  }
}

extension LayerBias {
  /// Gives layers without a bias one of zeros where it shall count in the accumulator and a correction of the
  /// output's mean will need it: where no batch normalisation takes that.
  static func createMissing(in graph: inout Graph, _ recipe: Recipe) throws(GraphError) {
    for layer in try DotProductLayer.all(in: graph) {
      let override = recipe.override(for: layer.name)
      guard override.quantize ?? true, override.biasBits ?? recipe.biasBits != nil,
        LayerBias(layer, in: graph) == nil, !layer.isNormalized(in: graph)
      else { continue }
      BiasCorrection(
        layer: layer, shift: [Float](repeating: 0, count: layer.layout.channelCount)
      ).apply(to: &graph)
    }
  }
}

extension Placement {
  /// Gives each layer whose bias shall count in its accumulator a constant of its own for it, of one number a
  /// channel, and notes it.
  mutating func placeBiases(in graph: inout Graph) {
    for index in layers.indices where layers[index].biasBits != nil {
      let layer = layers[index].layer
      layer.takeBetaIntoBias(in: &graph)
      guard let bias = LayerBias(layer, in: graph) else { continue }
      let shape =
        bias.node == layer.node
        ? layer.biasShape
        : graph[bias.node].inputs[bias.position].flatMap { graph[$0].constant }?.shape
      graph.setOwnConstant(
        bias.node, bias.position, Tensor(bias.values, shape: shape ?? layer.biasShape))
      layers[index].bias = bias
      layers[index].factor = layer.factor(in: graph)
    }
  }
}

extension QuantizationPlan {
  /// Puts in the place of a layer's bias what its integers stand for.
  mutating func takeBias(of quantized: QuantizedLayer, layer index: Int, in graph: inout Graph) {
    guard let bias = layers[index].bias, !quantized.biases.isEmpty,
      let value = graph[bias.node].inputs[bias.position], let shape = graph[value].constant?.shape
    else { return }
    let step = layers[index].step(of: input(of: layers[index]))
    let values = quantized.biasValues(step: step)
    graph.setConstant(value, Tensor(values, shape: shape))
    layers[index].bias?.values = values
  }
}

extension DotProductLayer {
  /// What the layer multiplies its sums with: `alpha` of Gemm.
  func factor(in graph: Graph) -> Float { graph[node].op.dotProduct?.alpha ?? 1 }

  /// Multiplies a Gemm's bias with `beta`.
  fileprivate func takeBetaIntoBias(in graph: inout Graph) {
    guard var gemm = graph[node].op as? Gemm, gemm.beta != 1, let values = bias(in: graph) else {
      return
    }
    gemm.beta = 1
    graph[node].op = gemm
    graph.setOwnConstant(node, 2, Tensor(values, shape: biasShape))
  }

  /// Whether a batch normalisation by constant statistics alone reads the output.
  func isNormalized(in graph: Graph) -> Bool {
    guard let output = output(in: graph), !graph.isOutput(output) else { return false }
    let readers = graph.consumers(of: output)
    return readers.count == 1
      && readers.allSatisfy { graph[$0].op.channelNormalization != nil }
  }
}
