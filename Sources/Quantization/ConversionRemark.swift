import Operators

extension Conversion {
  /// What is known to cost quality, or was left undone, in layers that a conversion made all the same.
  package enum Remark: Sendable, Hashable {
    /// These layers share their weights with others, as the steps of a recurrent layer do, so that no single output decides
    /// on integers and scales: they are chosen by the weights alone, and variances stay as they come out.
    case sharedWeights(layers: [String])
    /// A2Q+ centres the weights of these layers, which changes what they compute, and no training makes up for it.
    case centred(layers: [String])
    /// The method's own rounding, toward zero and at the scale of the largest weight, which is meant as the start of a
    /// training, and none follows.
    case publishedRounding(layers: [String])
  }

  /// What the conversion of a plan, without training, has to be said of.
  static func remarks(
    _ plan: QuantizationPlan, _ layers: [BakedLayer], _ recipe: Recipe, hasSamples: Bool
  )
    -> [Remark]
  {
    func names(_ isMember: (PlannedLayer, BakedLayer) -> Bool) -> [String] {
      zip(plan.layers, layers).filter(isMember).map(\.0.layer.name)
    }
    let usesOutputs = recipe.refine == .best && hasSamples
    let all: [Remark] = [
      .sharedWeights(layers: names { usesOutputs && $1.sharesWeight }),
      .centred(
        layers: names { planned, _ in
          planned.method == .a2qPlus && !LayerStrategy(planned, recipe).isErasedByCentring
        }),
      .publishedRounding(
        layers: names { planned, _ in
          recipe.refine == .none && (planned.method == .a2q || planned.method == .a2qPlus)
        }),
    ]
    return all.filter { !$0.layers.isEmpty }
  }
}

extension Conversion.Remark {
  /// Names of the layers in question, in topological order.
  package var layers: [String] {
    switch self {
    case .sharedWeights(let layers), .centred(let layers), .publishedRounding(let layers): layers
    }
  }
}
