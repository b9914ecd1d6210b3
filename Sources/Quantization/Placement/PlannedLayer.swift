import AccumulatorBounds
import GraphIR
import Operators
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
  /// Which products of a channel make a tile.
  var orders: [ProductOrder] = [.stored]
  /// Which integers meet in a tile's register.
  var operands = RegisterOperands.values
  /// The number of elements of a convolution's kernel, 1 for other layers.
  var kernelPositions = 1
  /// Whether the recipe's P doesn't hold for it, since it is one of ``Recipe/ioLayers`` and has no width of its own.
  var isExempt: Bool
  /// Index of the group that quantizes the layer's activations.
  var group: Int
  /// What the layer multiplies its sums with.
  var factor: Float = 1

  /// How the layer's products are summed; `nil` for one register, or none that constrains.
  var tiling: Tiling? {
    guard let tileSize, let targetBits, let inner = AccumulatorRange(bits: targetBits) else {
      return nil
    }
    let tiles = (layer.layout.dotLength - 1) / tileSize + 1
    let outer =
      outerBits.flatMap { AccumulatorRange(bits: $0) }
      ?? inner.outer(tiles: tiles, biasBits: bias == nil ? nil : biasBits)
    return outer.flatMap {
      Tiling(size: tileSize, outerBits: $0.bits, orders: orders, operands: operands)
    }
  }

  /// Sums the layer in the registers of hardware, whatever the recipe says of tiles.
  mutating func sum(in tiling: Tiling, _ graph: Graph) {
    tileSize = tiling.size
    outerBits = tiling.outerBits
    orders = tiling.orders
    operands = tiling.operands
    if layer.kind == .convolution, let shape = layer.weight(in: graph)?.shape {
      kernelPositions = shape.dropFirst(2).reduce(1, *)
    }
  }

  /// The products of each tile; `nil` where they are runs of a channel's weights.
  var runs: ProductRuns? {
    guard let tiling, tiling.orders != [.stored], !tiling.orders.contains(.any) else { return nil }
    return ProductRuns(
      tiling.orders, size: tiling.size,
      channels: layer.layout.dotLength / max(kernelPositions, 1), positions: kernelPositions)
  }

  /// The width that the layer's integers are held to, `nil` for an unconstrained layer.
  var targetBits: Int? { method == .unconstrained ? nil : accumulatorBits }

  /// What a step of the accumulator is worth at a weight scale of 1.
  func step(of input: ActivationQuantizer) -> Float { input.scale * factor }
}
