import GraphIR
import Quantizers
import TensorCore

/// A layer whose weight stands in the graph as integer x scale.
struct BakedLayer: Sendable {
  let layer: DotProductLayer
  private(set) var quantized: QuantizedLayer
  /// The constants of weight and scale.
  let weight: ValueID
  let scale: ValueID

  init(layer: DotProductLayer, quantized: QuantizedLayer, weight: ValueID, scale: ValueID) {
    self.layer = layer
    self.quantized = quantized
    self.weight = weight
    self.scale = scale
  }

  /// Puts other integers and scales in the place of the layer's.
  mutating func replace(with other: QuantizedLayer, in graph: inout Graph) {
    guard let shape = graph[weight].constant?.shape else { return }
    quantized = other
    graph.setConstant(weight, quantized.weight(layer.layout, shape: shape))
    graph.setConstant(scale, layer.layout.scaleTensor(quantized.scales))
  }

  /// Multiplies the scale of each channel; the integers stay.
  mutating func multiplyScales(by factors: [Float], in graph: inout Graph) {
    var scaled = quantized
    scaled.scales = zip(quantized.scales, factors).map(*)
    replace(with: scaled, in: &graph)
  }
}

extension QuantizedLayer {
  /// integer x scale in the layout of the layer's weight.
  func weight(_ layout: WeightLayout, shape: [Int]) -> Tensor {
    let k = layout.dotLength
    let values = integers.indices.map { Float(integers[$0]) * scales[$0 / k] }
    return layout.scatter(values, shape: shape)
  }
}
