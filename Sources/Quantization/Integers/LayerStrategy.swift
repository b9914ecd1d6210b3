import AccumulatorBounds
import Operators
import Quantizers

/// How the integers of one layer are chosen: what its method, the recipe's refinement and its shape come to.
struct LayerStrategy {
  /// The quantizer that chooses the integers of a conversion.
  let quantizer: any WeightQuantizer.Type
  /// The quantizer of the method itself, which training differentiates.
  let published: any WeightQuantizer.Type
  let initialization: WeightInitialization
  /// The closed form of the layer's method, where a search chooses among the integers that meet it.
  let bound: NormBound?
  /// Whether zero-centring would leave nothing of the weights, so that A2Q takes the place of A2Q+.
  let isErasedByCentring: Bool

  init(_ planned: PlannedLayer, _ recipe: Recipe) {
    let scaleType = recipe.scaleType
    published =
      switch planned.method {
      case .unconstrained: UnconstrainedQuantizer.scaled(scaleType)
      case .exact: ExactQuantizer.scaled(scaleType)
      case .a2qPlus: A2QPlusQuantizer.scaled(scaleType)
      case .a2q: A2QQuantizer.scaled(scaleType)
      }
    // Refinement searches the nearest of all integers that meet the method's constraint.
    quantizer =
      recipe.refine == .best && planned.method != .unconstrained
      ? ExactQuantizer.scaled(scaleType) : published
    initialization = recipe.initializer == .projection ? .projection : .clamp
    isErasedByCentring = planned.method == .a2qPlus && planned.layer.layout.dotLength == 1
    bound =
      switch planned.method {
      case _ where recipe.refine == .none: nil
      case .a2qPlus: isErasedByCentring ? .a2q : .a2qPlus
      case .a2q: .a2q
      case .exact, .unconstrained: nil
      }
  }
}
