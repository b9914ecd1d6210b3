import GraphIR
import Operators
import Quantizers
import TensorCore

/// A layer whose weight stands in the graph as integer x scale.
struct BakedLayer: Sendable {
  let layer: DotProductLayer
  private(set) var quantized: QuantizedLayer
  /// The constants of weight and scale.
  let weight: ValueID
  let scale: ValueID
  /// Whether other layers read them too.
  let sharesWeight: Bool
  /// `nil` where the bias is outside the accumulator, or there is none.
  let bias: Bias?

  /// Where a bias inside the accumulator stands.
  struct Bias: Sendable {
    let value: ValueID
    let scale: ValueID
    /// What a step of the accumulator is worth at a weight scale of 1.
    let step: Float
  }

  init(
    layer: DotProductLayer, quantized: QuantizedLayer, weight: ValueID, scale: ValueID,
    sharesWeight: Bool = false, bias: Bias? = nil
  ) {
    self.layer = layer
    self.quantized = quantized
    self.weight = weight
    self.scale = scale
    self.sharesWeight = sharesWeight
    self.bias = bias
  }

  /// Puts other integers and scales in the place of the layer's.
  ///
  /// - Precondition: no other layer has the weight.
  mutating func replace(with other: QuantizedLayer, in graph: inout Graph) {
    precondition(!sharesWeight, "a change of integers that other layers have too")
    guard let shape = graph[weight].constant?.shape else { return }
    quantized = other
    graph.setConstant(weight, quantized.weight(layer.layout, shape: shape))
    graph.setConstant(scale, layer.layout.scaleTensor(quantized.scales))
    guard let bias, let shape = graph[bias.value].constant?.shape else { return }
    graph.setConstant(bias.value, Tensor(quantized.biasValues(step: bias.step), shape: shape))
    graph.setConstant(bias.scale, Tensor(quantized.biasScales(step: bias.step), shape: shape))
  }

  /// Multiplies the scale of each channel; the integers stay.
  mutating func multiplyScales(by factors: [Float], in graph: inout Graph) {
    var scaled = quantized
    scaled.scales = zip(quantized.scales, factors).map(*)
    replace(with: scaled, in: &graph)
  }
}

extension QuantizedLayer {
  /// The value of one step of each channel's accumulator.
  ///
  /// - Parameter step: what it is at a weight scale of 1.
  func biasScales(step: Float) -> [Float] { scales.map { $0 * step } }

  /// What the integers of the biases stand for.
  ///
  /// - Parameter step: as of ``biasScales(step:)``.
  func biasValues(step: Float) -> [Float] {
    zip(biases, biasScales(step: step)).map { Float($0) * $1 }
  }

  /// integer x scale in the layout of the layer's weight, computed anew whenever a reader has discarded it.
  func weight(_ layout: WeightLayout, shape: [Int]) -> Tensor {
    .renewable(shape: shape, of: Float.self) { [integers, scales] target in
      layout.scatter(integers, scales: scales, to: target)
    }
  }
}
