import AccumulatorBounds
import GraphIR
import Quantizers

/// A dot-product layer with its targets.
struct PlannedLayer: Sendable {
  var layer: DotProductLayer
  var method: Recipe.Method
  var weightBits: Int
  var accumulatorBits: Int
  /// Bits of the bias inside the accumulator; `nil` where it stays outside.
  var biasBits: Int?
  /// The bias that stands there before quantization; set with its bits where the layer has one.
  var bias: LayerBias?
  /// T of the recipe; `nil` for one register.
  var tileSize: Int?
  /// Q of the recipe; `nil` for the least that never overflows.
  var outerBits: Int?
  /// Index of the group that quantizes the layer's activations.
  var group: Int
  /// What the layer multiplies its sums with.
  var factor: Float = 1

  /// How the layer's products are summed; `nil` for one register, or none that constrains.
  var tiling: AccumulatorBudget.Tiling? {
    guard let tileSize, let targetBits, let inner = AccumulatorRange(bits: targetBits) else {
      return nil
    }
    let tiles = (layer.layout.dotLength - 1) / tileSize + 1
    let outer =
      outerBits.flatMap { AccumulatorRange(bits: $0) }
      ?? inner.outer(tiles: tiles, biasBits: bias == nil ? nil : biasBits)
    return outer.flatMap { AccumulatorBudget.Tiling(length: tileSize, outer: $0) }
  }

  /// The width that the layer's integers are held to, `nil` for an unconstrained layer.
  var targetBits: Int? { method == .unconstrained ? nil : accumulatorBits }

  /// What a step of the accumulator is worth at a weight scale of 1.
  func step(of input: ActivationQuantizer) -> Float { input.scale * factor }
}

/// A product of two activations, as in attention: no weight to constrain, so that its accumulator is what the data
/// types of its operands demand.
struct PlannedProduct: Sendable {
  var node: NodeID
  var name: String
  /// Indices of the groups that quantize its operands.
  var groups: [Int]
  /// P of the layers around it.
  var accumulatorBits: Int
}
