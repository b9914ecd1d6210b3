import GraphIR
import Passes

/// The second stage of a conversion: a placed model each of whose activation quantizers has its scale.
struct CalibratedModel {
  /// The float model, equalized where the recipe asks for it.
  var float: Model
  var plan: QuantizationPlan
  /// What the stages changed so far.
  var edits: [PassReport]
  /// Runs the samples; `nil` where all ranges follow from the graph.
  let runner: SampleRunner?

  /// - Parameters:
  ///   - calibration: unlabelled samples; without them, every activation range must follow from the graph.
  ///   - opensBatch: as of ``SampleRunner/init(graph:source:limit:opensBatch:)``.
  /// - Throws: ``ConversionError`` where samples can't be run, activations aren't finite, or nothing bounds them.
  init(
    _ placed: PlacedModel, _ recipe: Recipe, _ calibration: (any CalibrationSource)?,
    opensBatch: Bool, _ progress: (Converter.Progress) -> Void
  ) throws(ConversionError) {
    float = placed.float
    edits = placed.edits
    var placement = placed.placement
    let graph = float.graph
    runner = try calibration.map { (source) throws(ConversionError) in
      try SampleRunner(
        graph: graph, source: source, limit: recipe.calibrationSamples, opensBatch: opensBatch)
    }
    if recipe.equalization {
      edits += try CrossLayerEqualization.run(&float.graph, runner: runner)
    }
    placement.placeBiases(in: &float.graph)
    let ranges = RangeCalibration(recipe: recipe, placement: placement, graph: float.graph)
    guard let runner else {
      plan = QuantizationPlan(placement, scales: try ranges.scalesFromGraph())
      return
    }
    let samples = runner.sampleCount
    let histograms = try ranges.histograms(runner) {
      progress(Converter.Progress(stage: .calibrating, completed: $0, total: samples))
    }
    plan = QuantizationPlan(placement, scales: try ranges.scales(of: histograms))
    if recipe.rangeEstimator == .output || recipe.activationWidth == .searched {
      let total = plan.groups.count
      try ActivationSearch(recipe: recipe, graph: float.graph, runner: runner)
        .run(&plan, histograms: histograms) {
          progress(Converter.Progress(stage: .searching, completed: $0, total: total))
        }
    }
  }
}
