import AccumulatorBounds
import GraphIR
import Operators
import Quantizers
import TensorCore

/// Chooses the integers of one layer by its strategy.
struct LayerQuantization {
  let planned: PlannedLayer
  let input: ActivationQuantizer
  let recipe: Recipe
  let strategy: LayerStrategy

  init(planned: PlannedLayer, input: ActivationQuantizer, recipe: Recipe) {
    self.planned = planned
    self.input = input
    self.recipe = recipe
    strategy = LayerStrategy(planned, recipe)
  }

  /// - Parameter weights: channels x K, row-major.
  /// - Throws: ``ConversionError/quantizer(node:_:)`` for weights that aren't finite.
  func run(_ weights: [Float]) throws(ConversionError) -> QuantizedLayer {
    do {
      return try quantize(weights)
    } catch {
      throw .quantizer(node: planned.layer.name, error)
    }
  }

  private func quantize(_ weights: [Float]) throws(QuantizerError) -> QuantizedLayer {
    let quantizer = strategy.quantizer.init(weightLayer)
    var (parameters, initialized) = try quantizer.initialized(
      target(weights), strategy.initialization)
    if recipe.refine == .best {
      try ScaleSearch().apply(to: &parameters, of: quantizer, weights: initialized)
    }
    var layer = QuantizedLayer(
      try quantizer.quantize(initialized, parameters), by: quantizer, from: weights)
    layer.fellBackToA2Q =
      layer.fellBackToA2Q || strategy.isErasedByCentring && strategy.bound != nil
    layer.quantizeBiases(of: quantizer.layer)
    return layer
  }

  /// The weights that a search brings the integers near to: as they are, or less their means with A2Q+.
  func target(_ weights: [Float]) -> [Float] {
    strategy.bound == .a2qPlus
      ? weights.centred(length: planned.layer.layout.dotLength) : weights
  }

  /// The layer as its quantizer sees it, with the budget of its accumulator; where integers are searched, with that of
  /// its method.
  var weightLayer: WeightLayer { weightLayer(within: strategy.bound) }

  /// - Parameter bound: a closed form that the budget must meet too.
  func weightLayer(within bound: NormBound?) -> WeightLayer {
    let layout = planned.layer.layout
    // What nothing constrains fits 64 bits.
    guard let accumulator = AccumulatorRange(bits: planned.targetBits ?? 64),
      let budget = AccumulatorBudget(
        input: input.format.range, accumulator: accumulator, tiling: planned.tiling,
        runs: planned.runs,
        tileInput: planned.tiling.flatMap { input.format.range(in: $0.operands) },
        bound: bound)
    else { preconditionFailure("the recipe's validation bounds all widths") }
    if let tiling = planned.tiling, tiling.orders.contains(.any), let outer = tiling.outer,
      let whole = AccumulatorBudget(
        input: input.format.range, accumulator: outer, bound: bound)
    {
      return weightLayer(
        whole, cap: budget.inner.largestMagnitude(of: min(tiling.size, layout.dotLength)))
    }
    return weightLayer(budget, cap: .max)
  }

  private func weightLayer(_ budget: AccumulatorBudget, cap: Int) -> WeightLayer {
    let layout = planned.layer.layout
    return WeightLayer(
      channels: layout.channelCount, length: layout.dotLength, bits: planned.weightBits,
      budgets: [budget],
      biasFormat: planned.bias == nil ? nil : planned.biasBits.map { BiasFormat(bits: $0) },
      biases: planned.bias.map { bias in bias.values.map { $0 / planned.step(of: input) } } ?? [],
      cap: cap)
  }
}
