import GraphIR
import Synchronization

/// Conversions of one model on the same samples by recipes that differ in methods and widths alone.
///
/// Passes, float runs and statistics are done once, by the first conversion that needs them. Conversions may run at the
/// same time, each on a thread of its own; each gives what ``Converter/convert(_:calibration:progress:)`` gives.
package final class ConversionSeries: Sendable {
  private let prepared: PreparedModel
  private let calibration: (any CalibrationSource)?
  private let secondsToPrepare: Double
  private let observations = Mutex<FloatObservations?>(nil)

  /// - Parameter recipe: any of those that will follow.
  /// - Throws: ``ConversionError`` for a model that can't be converted at all.
  package init(_ model: Model, _ recipe: Recipe, calibration: (any CalibrationSource)?)
    throws(ConversionError)
  {
    var clock = StageClock()
    prepared = try PreparedModel(model, recipe)
    self.calibration = calibration
    secondsToPrepare = clock.lap()
  }

  /// Converts the model.
  ///
  /// - Parameters:
  ///   - recipe: equal to the others but for ``Recipe/method``, ``Recipe/depthwiseMethod``, ``Recipe/weightBits``,
  ///     ``Recipe/activationBits`` and ``Recipe/accumulatorBits``.
  ///   - measuresOutputs: whether ``Conversion/Layer/outputError`` is found.
  ///   - progress: called often, from the calling thread.
  /// - Throws: ``ConversionError`` where the model, the recipe or the samples don't allow it.
  package func convert(
    _ recipe: Recipe, measuresOutputs: Bool, _ progress: (Converter.Progress) -> Void = { _ in }
  ) throws(ConversionError) -> Conversion {
    var clock = StageClock()
    var seconds = Conversion.Seconds()
    let placed = try PlacedModel(
      prepared, recipe, createsBiases: recipe.biasCorrection && calibration != nil)
    seconds.prepare = secondsToPrepare + clock.lap()
    let calibrated = try CalibratedModel(
      placed, recipe, try observe(placed, recipe), progress)
    seconds.calibrate = clock.lap()
    let quantized = try QuantizedModel(calibrated, recipe, progress)
    seconds.integers = quantized.seconds.integers
    var conversion = try Conversion(calibrated, quantized)
    conversion.remarks = Conversion.remarks(
      calibrated.plan, quantized.layers, recipe, samples: calibrated.runner?.sampleCount ?? 0)
    if measuresOutputs, let runner = calibrated.runner {
      try conversion.measureOutputs(
        OutputError(
          layers: calibrated.plan.layers.map(\.layer), ignoresMean: recipe.biasCorrection),
        float: calibrated.float.graph, runner: runner)
    }
    seconds.correct = clock.lap() - quantized.seconds.integers
    conversion.seconds = seconds
    return conversion
  }

  private func observe(_ placed: PlacedModel, _ recipe: Recipe) throws(ConversionError)
    -> FloatObservations?
  {
    guard let calibration else { return nil }
    return try observations.withLock { (known) throws(ConversionError) in
      if let known { return known }
      let made = try FloatObservations(
        placed.float.graph, recipe, calibration, opensBatch: false)
      known = made
      return made
    }
  }
}
