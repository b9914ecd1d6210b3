import AccumulatorBounds
import GraphIR
import Operators
import Quantizers

/// Where quantizers go and what each layer must meet: placement's result, completed by calibration.
struct QuantizationPlan: Sendable {
  /// Edges that share one activation quantizer: scale, bit width and sign.
  struct ActivationGroup: Sendable, Hashable {
    var bits: Int
    var isSigned: Bool
    /// Each edge once, in the order of the graph.
    var edges: [ActivationEdge]
    /// Step between two levels in units of the activation; set by calibration.
    var scale: Float?

    /// What the step between two levels may be.
    var scaleType = ScaleType.float

    /// The group's quantizer.
    var format: ActivationFormat {
      ActivationFormat(bits: bits, signed: isSigned, scaleType: scaleType)
    }

    /// The quantized values, each once.
    var values: [ValueID] {
      var seen: Set<ValueID> = []
      return edges.map(\.value).filter { seen.insert($0).inserted }
    }

    /// The integers that the quantizer can give.
    var integerRange: ClosedRange<Int> {
      format.minimum...format.maximum
    }
  }

  /// A dot-product layer with its targets.
  struct Layer: Sendable {
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

    /// How the layer's products are summed; `nil` for one register, or none that constrains.
    var tiling: Tiling? {
      guard let tileSize, let targetBits, let inner = AccumulatorRange(bits: targetBits) else {
        return nil
      }
      let tiles = (layer.layout.dotLength - 1) / tileSize + 1
      let outer =
        outerBits.flatMap { AccumulatorRange(bits: $0) }
        ?? inner.outer(tiles: tiles, biasBits: bias == nil ? nil : biasBits)
      return outer.flatMap { Tiling(size: tileSize, outerBits: $0.bits) }
    }

    /// What the layer multiplies its sums with.
    var factor: Float = 1

    /// What a step of the accumulator is worth at a weight scale of 1.
    func step(of input: ActivationGroup) -> Float { (input.scale ?? 1) * factor }

    /// The width that the layer's integers are held to, `nil` for an unconstrained layer.
    var targetBits: Int? { method == .unconstrained ? nil : accumulatorBits }
  }

  /// A product of two activations, as in attention: no weight to constrain, so that its accumulator is what the data
  /// types of its operands demand.
  struct Product: Sendable {
    var node: NodeID
    var name: String
    /// Indices of the groups that quantize its operands.
    var groups: [Int]
    /// P of the layers around it.
    var accumulatorBits: Int
  }

  var groups: [ActivationGroup]
  /// In topological order.
  var layers: [Layer]
  /// In topological order.
  var products: [Product] = []
  /// Names of dot-product layers that the recipe leaves in floating point.
  var excluded: [String]
}
