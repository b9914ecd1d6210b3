import GraphIR
import Operators

/// The third stage of a conversion: a calibrated model whose layers have their integers, baked into its graph.
///
/// 1. Each layer's integers are chosen from its weights alone, by its method, and all are baked, so that the graph
///    can be run.
/// 2. Layer by layer, each with all before it done: where the recipe asks for it, the integers are chosen anew by the
///    error of the layer's output on calibration samples; then the mean, and on request the variance, of the output is
///    brought back to that of the float layer. Integers and scales that several layers share stay as they are.
struct QuantizedModel {
  var graph: Graph
  var layers: [BakedLayer] = []
  /// The shift taken from each layer's output; `nil` for one that is left as it is, or whose integer bias takes it.
  var shifts: [BiasCorrection?]
  /// Seconds for choosing integers, and for correcting outputs.
  var seconds = (integers: 0.0, correction: 0.0)

  /// The most samples that a walk from layer to layer takes.
  static let sampleLimit = 256
  /// The most elements of layers' outputs that are kept at a time, which large images reach with fewer samples.
  static let elementLimit = 1 << 26

  /// - Throws: ``ConversionError`` for weights that aren't finite, and where samples can't be run.
  init(
    _ calibrated: CalibratedModel, _ recipe: Recipe, _ progress: (Converter.Progress) -> Void
  ) throws(ConversionError) {
    let (plan, float) = (calibrated.plan, calibrated.float.graph)
    var clock = StageClock()
    graph = float
    shifts = plan.layers.map { _ in nil }
    var choices: [QuantizedLayer] = []
    let shared = SharedWeights(plan, in: float)
    for (index, planned) in plan.layers.enumerated() {
      guard shared.owners[index] == index else {
        choices.append(choices[shared.owners[index]])
        continue
      }
      guard let weight = planned.layer.weight(in: float) else {
        throw .graph(.danglingValue(name: planned.layer.name, consumer: nil))
      }
      let quantization = LayerQuantization(
        planned: planned, input: plan.input(of: planned), recipe: recipe)
      let weights = planned.layer.layout.gather(weight)
      weight.storage.discard()
      choices.append(try quantization.run(weights))
    }
    layers = ModelBaker(plan: plan, layers: choices, shared: shared).bake(into: &graph)
    seconds.integers = clock.lap()
    let choosesByOutput = OutputQuantization.isNeeded(recipe)
    if let observations = calibrated.observations, recipe.biasCorrection || choosesByOutput {
      try walk(plan, float, recipe, observations) { done in
        progress(
          Converter.Progress(
            stage: choosesByOutput ? .choosing : .correcting, completed: done,
            total: plan.layers.count))
      }
    }
  }

  /// Improves and corrects the layers in order, each after all before it.
  private mutating func walk(
    _ plan: QuantizationPlan, _ float: Graph, _ recipe: Recipe, _ observations: FloatObservations,
    _ progress: (Int) -> Void
  ) throws(ConversionError) {
    var clock = StageClock()
    let runner = observations.runner
    let dotProducts = plan.layers.map(\.layer)
    let samples = try LayerWalk.sampleLimit(
      dotProducts, runner: runner, graph: float, elements: Self.elementLimit)
    let limited = runner.limited(to: min(Self.sampleLimit, samples))
    let correction =
      recipe.biasCorrection
      ? try OutputCorrection(
        plan: plan, recipe: recipe, runner: limited, float: float, observations: observations)
      : nil
    var choice =
      OutputQuantization.isNeeded(recipe)
      ? try OutputQuantization(plan: plan, recipe: recipe, runner: limited, float: float) : nil
    var walk = try LayerWalk(dotProducts, runner: limited, graph: graph)
    seconds.correction += clock.lap()
    for index in layers.indices {
      try choice?.run(index, &layers[index], in: &graph, walk)
      seconds.integers += clock.lap()
      shifts[index] = try correction?.run(index, &layers[index], in: &graph, walk)
      try walk.advance(past: index, in: graph)
      seconds.correction += clock.lap()
      progress(index + 1)
    }
  }
}
