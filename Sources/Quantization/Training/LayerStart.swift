import Operators
import Quantizers
import TensorCore

/// What the training of one layer's weights starts from.
struct LayerStart {
  var quantizer: any WeightQuantizer
  /// d, and t where the method has it.
  var parameters: ChannelParameters
  /// v: channels x K, row-major.
  var weights: [Float]

  /// How far from its integer a weight may start, in steps: less than 1/2, so that rounding gives the integer.
  private static let cell: Float = 0.4

  /// The initialisation of the layer's own method.
  ///
  /// - Parameter weights: channels x K, row-major.
  /// - Throws: ``ConversionError/quantizer(node:_:)`` for weights that aren't finite.
  init(_ layer: LayerQuantization, weights: [Float]) throws(ConversionError) {
    let (planned, recipe, strategy) = (layer.planned, layer.recipe, layer.strategy)
    do {
      quantizer =
        planned.method == .exact
        ? ExactQuantizer(layer.weightLayer, gradient: recipe.gradient).scaled(recipe.scaleType)
        : strategy.published.init(layer.weightLayer(within: nil))
      (parameters, self.weights) =
        planned.method == .a2qPlus
        ? try CentredStart(quantizer: quantizer, initialization: strategy.initialization)
          .choose(weights)
        : try quantizer.initialized(weights, strategy.initialization)
      // Norm-constrained methods keep the scale of the largest weight, as published.
      if recipe.refine == .best, !quantizer.usesNorm {
        try ScaleSearch().apply(to: &parameters, of: quantizer, weights: self.weights)
      }
    } catch {
      throw .quantizer(node: planned.layer.name, error)
    }
  }

  /// Parameters and weights from which the quantizer gives a converted layer's integers.
  ///
  /// Each weight is moved into its integer's cell, not to its middle, so that the integers differ where training
  /// finds reason. Methods with a norm give way to the projection on their own integers, as in the conversion.
  ///
  /// - Parameter weights: channels x K, row-major.
  init(_ layer: LayerQuantization, weights: [Float], from converted: QuantizedLayer) {
    let (planned, recipe) = (layer.planned, layer.recipe)
    quantizer =
      planned.method == .unconstrained
      ? layer.strategy.published.init(layer.weightLayer)
      : ExactQuantizer(layer.weightLayer, gradient: recipe.gradient).scaled(recipe.scaleType)
    let k = planned.layer.layout.dotLength
    self.weights = weights.indices.map { index in
      let (code, scale) = (Float(converted.integers[index]), converted.scales[index / k])
      let place = scale > 0 ? weights[index] / scale : 0
      return min(max(place, code - Self.cell), code + Self.cell) * scale
    }
    parameters = ChannelParameters(
      log2Scale: converted.scales.map { Float(log2(Double(max($0, .leastNormalMagnitude)))) },
      log2Norm: [])
  }
}
