import GraphIR
import Operators
import Passes
import Quantizers
import Synchronization

/// What calibration samples show of a float model. Each part is found when it is first asked for and kept, so that
/// conversions which differ in methods and widths alone run the float model once.
final class FloatObservations: Sendable {
  /// The float model's graph, equalized where the recipe asks for it.
  let graph: Graph
  /// What the equalization changed.
  let edits: [PassReport]
  let runner: SampleRunner

  private struct State {
    /// By the values that each group's quantizers stand on.
    var histograms: [[[ValueID]]: [ActivationHistogram]] = [:]
    var scales: [[Placement.ActivationGroup]: [Float]] = [:]
    var outputs: [OutputKey: [ChannelStatistics?]] = [:]
  }

  private struct OutputKey: Hashable {
    var nodes: [NodeID]
    var samples: Int
  }

  private let state = Mutex(State())

  /// - Parameters:
  ///   - graph: the float model's, with constants for biases where the recipe makes such.
  ///   - opensBatch: as of ``SampleRunner/init(graph:source:limit:opensBatch:)``.
  /// - Throws: ``ConversionError`` where there are no samples or they don't fit the model.
  init(
    _ graph: Graph, _ recipe: Recipe, _ source: any CalibrationSource, opensBatch: Bool
  ) throws(ConversionError) {
    runner = try SampleRunner(
      graph: graph, source: source, limit: recipe.calibrationSamples, opensBatch: opensBatch)
    var equalized = graph
    edits =
      recipe.equalization ? try CrossLayerEqualization.run(&equalized, runner: runner) : []
    self.graph = equalized
  }

  /// The distribution of the activations of each group of a placement.
  ///
  /// - Parameter progress: called with the number of samples done.
  /// - Throws: ``ConversionError`` where samples can't be run or activations aren't finite.
  func histograms(_ ranges: RangeCalibration, progress: (Int) -> Void)
    throws(ConversionError) -> [ActivationHistogram]
  {
    let key = ranges.placement.groups.map(\.edges.values)
    return try state.withLock { (state) throws(ConversionError) in
      if let known = state.histograms[key] { return known }
      let found = try ranges.histograms(runner, progress: progress)
      state.histograms[key] = found
      return found
    }
  }

  /// The scale of each group of a placement by the recipe's estimator.
  ///
  /// - Parameter histograms: of each group.
  /// - Throws: ``ConversionError/activations(value:_:)`` where a group has no usable range.
  func scales(_ ranges: RangeCalibration, _ histograms: [ActivationHistogram])
    throws(ConversionError) -> [Float]
  {
    try state.withLock { (state) throws(ConversionError) in
      if let known = state.scales[ranges.placement.groups] { return known }
      let found = try ranges.scales(of: histograms)
      state.scales[ranges.placement.groups] = found
      return found
    }
  }

  /// Mean and variance of each channel of the float layers' outputs; `nil` for a layer that no sample has shown.
  ///
  /// - Parameter runner: ``runner``, or one that is limited to fewer samples.
  /// - Throws: ``ConversionError`` where samples can't be run.
  func outputStatistics(
    of layers: [DotProductLayer], in graph: Graph, _ runner: SampleRunner
  ) throws(ConversionError) -> [ChannelStatistics?] {
    let key = OutputKey(nodes: layers.map(\.node), samples: runner.sampleCount)
    return try state.withLock { (state) throws(ConversionError) in
      if let known = state.outputs[key] { return known }
      let found = try ChannelStatistics.all(of: layers, in: graph, runner)
      state.outputs[key] = found
      return found
    }
  }
}
