import AccumulatorBounds
import GraphIR
import Quantizers

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
        : methodType.init(weightLayer)
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

  private func quantize(_ weights: [Float]) throws(QuantizerError) -> QuantizedLayer {
    let quantizer = quantizerType.init(weightLayer)
    var (parameters, initialized) = try quantizer.initialized(weights, initialization)
    if recipe.refine == .best {
      try ScaleSearch().apply(to: &parameters, of: quantizer, weights: initialized)
    }
    var layer = QuantizedLayer(
      try quantizer.quantize(initialized, parameters), by: quantizer, from: weights)
    layer.quantizeBiases(of: quantizer.layer)
    return layer
  }

  private var initialization: WeightInitialization {
    recipe.initializer == .projection ? .projection : .clamp
  }

  /// Every constrained method's integers lie in the exact budget's set, so refinement searches all of it.
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

  /// The layer as its quantizer sees it, with the exact budget of its accumulator.
  ///
  /// - Precondition: where a bias counts in the accumulator, the input has a scale.
  var weightLayer: WeightLayer {
    let layout = planned.layer.layout
    let range = input.integerRange
    guard let inputs = IntegerRange(Int64(range.lowerBound), Int64(range.upperBound)),
      // What nothing constrains fits 64 bits.
      let accumulator = AccumulatorRange(bits: planned.targetBits ?? 64),
      let budget = AccumulatorBudget(
        input: inputs, accumulator: accumulator, tiling: planned.tiling)
    else { preconditionFailure("the recipe's validation bounds all widths") }
    return WeightLayer(
      channels: layout.channelCount, length: layout.dotLength, bits: planned.weightBits,
      budgets: [budget],
      biasFormat: planned.bias == nil ? nil : planned.biasBits.map { BiasFormat(bits: $0) },
      biases: planned.bias.map { bias in bias.values.map { $0 / planned.step(of: input) } } ?? [])
  }

}
