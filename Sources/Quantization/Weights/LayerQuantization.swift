import AccumulatorBounds
import GraphIR
import Quantizers
import TensorCore

/// Chooses the integers of one layer by its method.
struct LayerQuantization {
  let planned: QuantizationPlan.Layer
  let input: QuantizationPlan.ActivationGroup
  let recipe: Recipe

  /// - Parameter weights: channels x K, row-major.
  /// - Throws: ``ConversionError/quantizer(node:_:)`` for weights that aren't finite.
  func run(_ weights: [Float]) throws(ConversionError) -> QuantizedLayer {
    do {
      return try quantize(weights)
    } catch {
      throw .quantizer(node: planned.layer.name, error)
    }
  }

  /// The quantizer of the layer's own method with the parameters and weights that training starts from.
  ///
  /// - Parameter weights: channels x K, row-major.
  /// - Throws: ``ConversionError/quantizer(node:_:)`` for weights that aren't finite.
  func trainable(_ weights: [Float]) throws(ConversionError) -> (
    quantizer: any WeightQuantizer, parameters: ChannelParameters, weights: [Float]
  ) {
    do throws(QuantizerError) {
      let quantizer: any WeightQuantizer =
        planned.method == .exact
        ? ExactQuantizer(weightLayer, gradient: recipe.gradient).scaled(recipe.scaleType)
        : methodType.init(layer(within: nil))
      var (parameters, initialized) =
        planned.method == .a2qPlus
        ? try CentredStart(quantizer: quantizer, initialization: initialization).choose(weights)
        : try quantizer.initialized(weights, initialization)
      // Norm-constrained methods keep the scale of the largest weight, as published.
      if recipe.refine == .best, !quantizer.usesNorm {
        try ScaleSearch().apply(to: &parameters, of: quantizer, weights: initialized)
      }
      return (quantizer, parameters, initialized)
    } catch {
      throw .quantizer(node: planned.layer.name, error)
    }
  }

  /// The quantizer with parameters and weights from which it gives a converted layer's integers.
  ///
  /// Each weight is moved into its integer's cell, not to its middle, so that the integers differ where training
  /// finds reason. Methods with a norm give way to the projection on their own integers, as in the conversion.
  ///
  /// - Parameter weights: channels x K, row-major.
  func trainable(_ weights: [Float], from layer: QuantizedLayer) -> (
    quantizer: any WeightQuantizer, parameters: ChannelParameters, weights: [Float]
  ) {
    let quantizer: any WeightQuantizer =
      planned.method == .unconstrained
      ? UnconstrainedQuantizer.scaled(recipe.scaleType).init(weightLayer)
      : ExactQuantizer(weightLayer, gradient: recipe.gradient).scaled(recipe.scaleType)
    let k = planned.layer.layout.dotLength
    let moved = weights.indices.map { index in
      let (code, scale) = (Float(layer.integers[index]), layer.scales[index / k])
      let place = scale > 0 ? weights[index] / scale : 0
      return min(max(place, code - Self.cell), code + Self.cell) * scale
    }
    let parameters = ChannelParameters(
      log2Scale: layer.scales.map { Float(log2(Double(max($0, .leastNormalMagnitude)))) },
      log2Norm: [])
    return (quantizer, parameters, moved)
  }

  /// How far from its integer a weight may start, in steps: less than 1/2, so that rounding gives the integer.
  private static let cell: Float = 0.4

  private func quantize(_ weights: [Float]) throws(QuantizerError) -> QuantizedLayer {
    let quantizer = quantizerType.init(weightLayer)
    var (parameters, initialized) = try quantizer.initialized(target(weights), initialization)
    if recipe.refine == .best {
      try ScaleSearch().apply(to: &parameters, of: quantizer, weights: initialized)
    }
    var layer = QuantizedLayer(
      try quantizer.quantize(initialized, parameters), by: quantizer, from: weights)
    layer.fellBackToA2Q = layer.fellBackToA2Q || isErasedByCentring && searchBound != nil
    layer.quantizeBiases(of: quantizer.layer)
    return layer
  }

  /// The weights that a search brings the integers near to: as they are, or less their means with A2Q+.
  func target(_ weights: [Float]) -> [Float] {
    searchBound == .a2qPlus ? weights.centred(length: planned.layer.layout.dotLength) : weights
  }

  /// The closed form of the layer's method, where a search chooses among the integers that meet it.
  private var searchBound: NormBound? {
    if recipe.refine == .none { return nil }
    return switch planned.method {
    case .a2qPlus: isErasedByCentring ? .a2q : .a2qPlus
    case .a2q: .a2q
    case .exact, .unconstrained: nil
    }
  }

  /// Whether zero-centring would leave nothing of the weights, so that A2Q takes the place of A2Q+.
  private var isErasedByCentring: Bool {
    planned.method == .a2qPlus && planned.layer.layout.dotLength == 1
  }

  private var initialization: WeightInitialization {
    recipe.initializer == .projection ? .projection : .clamp
  }

  /// Refinement searches the nearest of all integers that meet the method's constraint.
  private var quantizerType: any WeightQuantizer.Type {
    recipe.refine == .best && planned.method != .unconstrained
      ? ExactQuantizer.scaled(recipe.scaleType) : methodType
  }

  private var methodType: any WeightQuantizer.Type {
    switch planned.method {
    case .unconstrained: UnconstrainedQuantizer.scaled(recipe.scaleType)
    case .exact: ExactQuantizer.scaled(recipe.scaleType)
    case .a2qPlus: A2QPlusQuantizer.scaled(recipe.scaleType)
    case .a2q: A2QQuantizer.scaled(recipe.scaleType)
    }
  }

  /// The layer as its quantizer sees it, with the budget of its accumulator; where integers are searched, with that of
  /// its method.
  ///
  /// - Precondition: where a bias counts in the accumulator, the input has a scale.
  var weightLayer: WeightLayer { layer(within: searchBound) }

  private func layer(within bound: NormBound?) -> WeightLayer {
    let layout = planned.layer.layout
    guard
      // What nothing constrains fits 64 bits.
      let accumulator = AccumulatorRange(bits: planned.targetBits ?? 64),
      let budget = AccumulatorBudget(
        input: IntegerRange(input.integerRange), accumulator: accumulator, tiling: planned.tiling,
        bound: bound)
    else { preconditionFailure("the recipe's validation bounds all widths") }
    return WeightLayer(
      channels: layout.channelCount, length: layout.dotLength, bits: planned.weightBits,
      budgets: [budget],
      biasFormat: planned.bias == nil ? nil : planned.biasBits.map { BiasFormat(bits: $0) },
      biases: planned.bias.map { bias in bias.values.map { $0 / planned.step(of: input) } } ?? [])
  }

}
