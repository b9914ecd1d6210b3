import GraphIR
import Operators
import Passes

/// Turns a float model into one whose accumulators can't overflow: the job of `snug convert`.
public struct Converter: Sendable {
  /// What is being done, and how far it has come.
  public struct Progress: Sendable, Hashable {
    public enum Stage: String, Sendable, Hashable, CaseIterable {
      case calibrating, searching, quantizing, correcting
    }
    public var stage: Stage
    public var completed: Int
    public var total: Int
  }

  public let recipe: Recipe

  /// - Throws: ``ConversionError/recipe(_:)`` for settings out of range.
  public init(_ recipe: Recipe) throws(ConversionError) {
    do throws(RecipeError) {
      try recipe.validate()
      try recipe.validateCombinations()
    } catch { throw .recipe(error) }
    self.recipe = recipe
  }

  /// Converts a float model.
  ///
  /// - Parameters:
  ///   - calibration: unlabelled samples; without them, every activation range must follow from the graph.
  ///   - progress: called often, from the calling thread.
  /// - Throws: ``ConversionError`` where the model, the recipe or the samples don't allow it.
  public func convert(
    _ model: Model, calibration: (any CalibrationSource)?,
    progress: (Progress) -> Void = { _ in }
  ) throws(ConversionError) -> Conversion {
    var (float, plan, edits, runner, seconds) = try calibrated(
      model, calibration, createsBiases: recipe.biasCorrection, opensBatch: false, progress)
    var clock = StageClock()
    let layers = try quantize(plan, float.graph, progress)
    let graph = float.graph
    var baked = ModelBaker(plan: plan, layers: layers).bake(into: &float.graph)
    seconds.initialize = clock.lap()

    _ = try correct(plan, runner, float: graph, quantized: &float.graph, &baked, progress)
    var conversion = Conversion(
      model: float,
      layers: zip(plan.layers, baked).map { Conversion.Layer($0, $1.quantized, plan) },
      excluded: plan.excluded, edits: edits, calibrationSamples: runner?.sampleCount ?? 0)
    try conversion.finish(plan, baked)
    if let runner {
      let errors = try OutputError(
        layers: plan.layers.map(\.layer), ignoresMean: recipe.biasCorrection
      ).measure(float: graph, quantized: conversion.model.graph, runner: runner)
      for (index, error) in errors.enumerated() { conversion.layers[index].outputError = error }
    }
    seconds.correct = clock.lap()
    conversion.seconds = seconds
    return conversion
  }

  /// Prepares a float model to be trained: import, calibration, and each layer as its method initialises it.
  ///
  /// With ``Recipe/Refinement/best``, methods without a norm in all layers, and biases outside accumulators, layers start
  /// as ``convert(_:calibration:progress:)`` leaves them: from its integers, scales and corrected constants.
  ///
  /// - Parameters:
  ///   - always: whether they start so anyway, with the exact budget in the place of their own methods, and from the
  ///     biases of the conversion where these count in the accumulator.
  ///   - others: as of ``convert(_:calibration:progress:)``.
  /// - Throws: ``ConversionError`` where the model, the recipe or the samples don't allow it.
  public func trainable(
    _ model: Model, calibration: (any CalibrationSource)?, asConverted always: Bool = false,
    progress: (Progress) -> Void = { _ in }
  ) throws(ConversionError) -> TrainableModel {
    var (float, plan, edits, runner, calibrationSeconds) = try calibrated(
      model, calibration, createsBiases: always && recipe.biasCorrection, opensBatch: true,
      progress)
    var seconds = calibrationSeconds
    var clock = StageClock()
    var start = float
    var converted = [QuantizedLayer?](repeating: nil, count: plan.layers.count)
    let isExact = plan.layers.allSatisfy {
      ($0.method == .exact || $0.method == .unconstrained) && $0.biasBits == nil
    }
    if always || (recipe.refine == .best && isExact) {
      var quantized = float.graph
      let layers = try quantize(plan, float.graph, progress)
      var baked = ModelBaker(plan: plan, layers: layers).bake(into: &quantized)
      let corrections = try correct(
        plan, runner, float: float.graph, quantized: &quantized, &baked, progress)
      for correction in corrections { correction?.apply(to: &start.graph) }
      converted = baked.map(\.quantized)
      for index in baked.indices {
        plan.takeBias(of: baked[index].quantized, layer: index, in: &start.graph)
      }
    }
    // The exported model keeps its batch; only training widens it.
    func widened(_ graph: Graph) throws(ConversionError) -> Graph {
      try runner?.executable(graph) ?? graph
    }
    var builder = TrainableModelBuilder(
      start: start, wide: try widened(start.graph), teacher: try widened(float.graph), plan: plan,
      recipe: recipe, converted: converted)
    var trainable = try builder.build(
      edits: edits, calibrationSamples: runner?.sampleCount ?? 0)
    seconds.initialize = clock.lap()
    trainable.seconds = seconds
    return trainable
  }

  /// Corrects the outputs of the baked layers, and chooses their integers by them, as far as the recipe asks.
  ///
  /// - Returns: the shift taken from each layer's output.
  private func correct(
    _ plan: QuantizationPlan, _ runner: SampleRunner?, float: Graph, quantized: inout Graph,
    _ baked: inout [BakedLayer], _ progress: (Progress) -> Void
  ) throws(ConversionError) -> [BiasCorrection?] {
    guard let runner, recipe.biasCorrection || OutputQuantization.isNeeded(recipe) else {
      return baked.map { _ in nil }
    }
    let correction = OutputCorrection(
      plan: plan, runner: runner, correctsMean: recipe.biasCorrection,
      correctsGain: recipe.refine == .best && recipe.scaleType == .float)
    return try correction.run(float: float, quantized: &quantized, baked: &baked, recipe: recipe) {
      progress(Progress(stage: .correcting, completed: $0, total: plan.layers.count))
    }
  }

  /// The imported model with its plan, whose activation ranges are set.
  ///
  /// - Parameters:
  ///   - createsBiases: whether biases that count in an accumulator are made where layers have none.
  ///   - opensBatch: as of ``SampleRunner/init(graph:source:limit:opensBatch:)``.
  private func calibrated(
    _ model: Model, _ calibration: (any CalibrationSource)?, createsBiases: Bool, opensBatch: Bool,
    _ progress: (Progress) -> Void
  ) throws(ConversionError) -> (
    float: Model, plan: QuantizationPlan, edits: [PassReport], runner: SampleRunner?,
    seconds: Conversion.Seconds
  ) {
    var clock = StageClock()
    var seconds = Conversion.Seconds()
    var result = model
    var edits = try prepare(&result.graph)
    if createsBiases, calibration != nil {
      do { try LayerBias.createMissing(in: &result.graph, recipe) } catch { throw .graph(error) }
    }
    var plan = try place(result.graph)
    seconds.prepare = clock.lap()
    let runner = try calibration.map { (source) throws(ConversionError) in
      try SampleRunner(
        graph: result.graph, source: source, limit: recipe.calibrationSamples,
        opensBatch: opensBatch)
    }
    if recipe.equalization {
      edits += try CrossLayerEqualization.run(&result.graph, runner: runner)
    }
    plan.placeBiases(in: &result.graph)
    if let made = runner {
      let histograms = try RangeCalibration(recipe: recipe)
        .calibrate(&plan, graph: result.graph, runner: made) {
          progress(Progress(stage: .calibrating, completed: $0, total: made.sampleCount))
        }
      if recipe.rangeEstimator == .output || recipe.activationWidth == .searched {
        let total = plan.groups.count
        try ActivationSearch(recipe: recipe, graph: result.graph, runner: made)
          .run(&plan, histograms: histograms) {
            progress(Progress(stage: .searching, completed: $0, total: total))
          }
      }
    } else {
      try RangeCalibration(recipe: recipe).calibrateFromGraph(&plan, graph: result.graph)
    }
    seconds.calibrate = clock.lap()
    return (result, plan, edits, runner, seconds)
  }

  /// Checks whether a model has anything to constrain, so that a caller can say so before it reads samples.
  ///
  /// - Throws: ``ConversionError`` as ``convert(_:calibration:progress:)`` would, for reasons of the model alone.
  public func check(_ model: Model) throws(ConversionError) {
    var graph = model.graph
    _ = try prepare(&graph)
    _ = try place(graph)
  }

  private func place(_ graph: Graph) throws(ConversionError) -> QuantizationPlan {
    let plan: QuantizationPlan
    do { plan = try QuantizerPlacement(graph: graph, recipe: recipe).plan() } catch {
      throw .graph(error)
    }
    if plan.layers.isEmpty { throw .nothingToQuantize(excluded: plan.excluded.count) }
    return plan
  }

  private func prepare(_ graph: inout Graph) throws(ConversionError) -> [PassReport] {
    for id in graph.nodeIDs {
      let node = graph[id]
      if IntegerOperators.contains(node.op) {
        throw .alreadyQuantized(node: node.name, type: node.op.type)
      }
    }
    do {
      var edits = try Pipeline.importCanonical.run(&graph)
      if recipe.foldBatchNormalization {
        edits += try Pipeline.foldForQuantization.run(&graph)
      }
      return edits
    } catch {
      throw .pass(error)
    }
  }

  private func quantize(
    _ plan: QuantizationPlan, _ graph: Graph, _ progress: (Progress) -> Void
  ) throws(ConversionError) -> [QuantizedLayer] {
    var layers: [QuantizedLayer] = []
    for planned in plan.layers {
      guard let weight = planned.layer.weight(in: graph) else {
        throw .graph(.danglingValue(name: planned.layer.name, consumer: nil))
      }
      let quantization = LayerQuantization(
        planned: planned, input: plan.groups[planned.group], recipe: recipe)
      let weights = planned.layer.layout.gather(weight)
      weight.storage.discard()
      layers.append(try quantization.run(weights))
      progress(Progress(stage: .quantizing, completed: layers.count, total: plan.layers.count))
    }
    return layers
  }
}

/// Measures the stages of a job.
private struct StageClock {
  private let clock = ContinuousClock()
  private var start = ContinuousClock().now

  /// Seconds since the last lap.
  mutating func lap() -> Double {
    let now = clock.now
    defer { start = now }
    return (now - start) / .seconds(1)
  }
}
