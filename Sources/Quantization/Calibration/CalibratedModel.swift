import GraphIR
import Passes

/// The second stage of a conversion: a placed model each of whose activation quantizers has its scale.
struct CalibratedModel {
  /// The float model, equalized where the recipe asks for it.
  var float: Model
  var plan: QuantizationPlan
  /// What the stages changed so far.
  var edits: [PassReport]
  /// What the samples show of the float model; `nil` where all ranges follow from the graph.
  let observations: FloatObservations?

  /// Runs the samples; `nil` where there are none.
  var runner: SampleRunner? { observations?.runner }

  /// - Parameters:
  ///   - observations: of `placed`, or of a model that was placed by a recipe with other methods and widths alone.
  ///   - progress: called often while samples run that no conversion before has run.
  /// - Throws: ``ConversionError`` where samples can't be run, activations aren't finite, or nothing bounds them.
  init(
    _ placed: PlacedModel, _ recipe: Recipe, _ observations: FloatObservations?,
    _ progress: (Converter.Progress) -> Void
  ) throws(ConversionError) {
    self.observations = observations
    float = placed.float
    edits = placed.edits
    if let observations {
      float.graph = observations.graph
      edits += observations.edits
    } else if recipe.equalization {
      edits += try CrossLayerEqualization.run(&float.graph, runner: nil)
    }
    var placement = placed.placement
    placement.placeBiases(in: &float.graph)
    let ranges = RangeCalibration(recipe: recipe, placement: placement, graph: float.graph)
    guard let observations else {
      plan = QuantizationPlan(placement, scales: try ranges.scalesFromGraph())
      return
    }
    let runner = observations.runner
    let samples = runner.sampleCount
    let histograms = try observations.histograms(ranges) {
      progress(Converter.Progress(stage: .calibrating, completed: $0, total: samples))
    }
    plan = QuantizationPlan(placement, scales: try observations.scales(ranges, histograms))
    if recipe.rangeEstimator == .output || recipe.activationWidth == .searched {
      let total = plan.groups.count
      try ActivationSearch(recipe: recipe, graph: float.graph, runner: runner)
        .run(&plan, histograms: histograms) {
          progress(Converter.Progress(stage: .searching, completed: $0, total: total))
        }
    }
  }
}
