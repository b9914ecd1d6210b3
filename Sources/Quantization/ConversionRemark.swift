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
    /// Ranges and integers follow from so few samples that other ones would have given better.
    case fewSamples(Int)
    /// These inputs decided which branches the model has; it doesn't read them any more.
    case decided(inputs: [String])
  }

  /// Calibration samples from which on more of them changed nothing beyond noise: a ResNet-20 at W4A4, P = 14, has on average of
  /// three draws 77.6 % from 4 samples, 79.6 from 8, 79.9 from 16, 81.4 from 32 and 81.1 from 512 (float 83.2).
  package static let enoughSamples = 32

  /// What the conversion of a plan, without training, has to be said of.
  static func remarks(
    _ plan: QuantizationPlan, _ layers: [BakedLayer], _ recipe: Recipe, samples: Int
  ) -> [Remark] {
    func names(_ isMember: (PlannedLayer, BakedLayer) -> Bool) -> [String] {
      zip(plan.layers, layers).filter(isMember).map(\.0.layer.name)
    }
    let usesOutputs = recipe.refine == .best && samples > 0
    let ofLayers: [Remark] = [
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
    let ofSamples: [Remark] =
      (1..<enoughSamples).contains(samples) ? [.fewSamples(samples)] : []
    return ofLayers.filter { !$0.layers.isEmpty } + ofSamples
  }
}

extension Conversion.Remark {
  /// Names of the layers in question, in topological order; empty where it concerns all.
  package var layers: [String] {
    switch self {
    case .sharedWeights(let layers), .centred(let layers), .publishedRounding(let layers): layers
    case .fewSamples, .decided: []
    }
  }
}
