import GraphIR
import Operators
import Passes

/// Turns a float model into one whose accumulators can't overflow: the job of `snug convert`.
///
/// Each stage is a value that the next one takes:
///
///     PlacedModel      passes have cleaned the float model; where quantizers go, and each layer's targets
///     CalibratedModel  the scale of every activation quantizer
///     QuantizedModel   every layer's integers, baked into the graph, its outputs corrected
///     Conversion       the annotated model, and what was done to it
///
/// ``trainable(_:calibration:asConverted:progress:)`` leaves this road after the second stage, or the third, for a
/// ``TrainableModel``, which comes back to it as a ``Conversion``.
package struct Converter: Sendable {
  /// What is being done, and how far it has come.
  package struct Progress: Sendable, Hashable {
    package enum Stage: Sendable, Hashable, CaseIterable {
      case calibrating, searching, choosing, correcting
    }
    package var stage: Stage
    package var completed: Int
    package var total: Int
  }

  package let recipe: Recipe

  /// - Throws: ``ConversionError/recipe(_:)`` for settings out of range.
  package init(_ recipe: Recipe) throws(ConversionError) {
    do {
      try recipe.validate()
      try recipe.validateCombinations()
    } catch { throw .recipe(error) }
    self.recipe = recipe
  }

  /// Checks whether a model has anything to constrain, so that a caller can say so before it reads samples.
  ///
  /// - Throws: ``ConversionError`` as ``convert(_:calibration:progress:)`` would, for reasons of the model alone.
  package func check(_ model: Model) throws(ConversionError) {
    _ = try PlacedModel(model, recipe, createsBiases: false)
  }

  /// Converts a float model.
  ///
  /// - Parameters:
  ///   - calibration: unlabelled samples; without them, every activation range must follow from the graph.
  ///   - progress: called often, from the calling thread.
  /// - Throws: ``ConversionError`` where the model, the recipe or the samples don't allow it.
  package func convert(
    _ model: Model, calibration: (any CalibrationSource)?,
    progress: (Progress) -> Void = { _ in }
  ) throws(ConversionError) -> Conversion {
    var clock = StageClock()
    var seconds = Conversion.Seconds()
    let placed = try PlacedModel(
      model, recipe, createsBiases: recipe.biasCorrection && calibration != nil)
    seconds.prepare = clock.lap()
    let calibrated = try CalibratedModel(
      placed, recipe, calibration, opensBatch: false, progress)
    seconds.calibrate = clock.lap()
    let quantized = try QuantizedModel(calibrated, recipe, progress)
    seconds.integers = quantized.seconds.integers
    var conversion = try Conversion(calibrated, quantized)
    conversion.remarks = Conversion.remarks(
      calibrated.plan, quantized.layers, recipe, hasSamples: calibrated.runner != nil)
    if let runner = calibrated.runner {
      try conversion.measureOutputs(
        OutputError(
          layers: calibrated.plan.layers.map(\.layer), ignoresMean: recipe.biasCorrection),
        float: calibrated.float.graph, runner: runner)
    }
    seconds.correct = clock.lap() - quantized.seconds.integers
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
  package func trainable(
    _ model: Model, calibration: (any CalibrationSource)?, asConverted always: Bool = false,
    progress: (Progress) -> Void = { _ in }
  ) throws(ConversionError) -> TrainableModel {
    var clock = StageClock()
    var seconds = Conversion.Seconds()
    let placed = try PlacedModel(
      model, recipe, createsBiases: always && recipe.biasCorrection && calibration != nil)
    seconds.prepare = clock.lap()
    let calibrated = try CalibratedModel(placed, recipe, calibration, opensBatch: true, progress)
    seconds.calibrate = clock.lap()
    let isExact = calibrated.plan.layers.allSatisfy {
      ($0.method == .exact || $0.method == .unconstrained) && $0.biasBits == nil
    }
    let quantized =
      always || (recipe.refine == .best && isExact)
      ? try QuantizedModel(calibrated, recipe, progress) : nil
    var builder = try TrainableModelBuilder(calibrated, recipe, from: quantized)
    var trainable = try builder.build()
    seconds.integers = clock.lap()
    trainable.seconds = seconds
    return trainable
  }
}
