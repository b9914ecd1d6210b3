import Execution
import GraphIR
import Operators
import Passes
import TensorCore

/// Runs calibration samples through a graph in batches, whatever batch the file was exported with.
struct SampleRunner {
  let source: any CalibrationSource
  private(set) var sampleCount: Int
  /// Samples a run.
  private(set) var batchSize: Int
  /// Elements that each dot-product layer gives for one sample, by the shapes of the first one.
  let layerSizes: [ValueID: Int]
  /// True where graphs are rewritten for any batch before they run.
  let isGeneralized: Bool
  /// True where the model takes batches of one size.
  private let isBatchFixed: Bool

  /// Samples a run where the model leaves the batch open, unless they are large.
  static let openBatch = 32
  /// Batches up to this size aren't worth finding out whether a model made for one sample takes them: that costs four
  /// samples, and samples that are large enough to run few at a time gain little from running together.
  static let leastGeneralBatch = 8
  /// Elements of all inputs of a run: what lies between the layers of an image network is many times that.
  static let elementLimit = 1 << 20
  /// Elements of all layers' outputs of a run, which may be asked for together.
  static let layerElementLimit = 1 << 25

  /// - Parameters:
  ///   - graph: the float model.
  ///   - limit: the most samples to use.
  ///   - opensBatch: whether the model will be run for batches of any size later, so that it pays to find out whether
  ///     it may be, however few samples a run takes here.
  /// - Throws: ``ConversionError`` where there are no samples or they don't fit the model.
  init(
    graph: Graph, source: any CalibrationSource, limit: Int, opensBatch: Bool
  ) throws(ConversionError) {
    guard source.count > 0 else { throw .emptyCalibration }
    self.source = source
    let available = min(source.count, limit)
    let fixed =
      source.isStackable
      ? graph.inputs.compactMap { graph[$0].type?.dimensions?.first?.size }.max() ?? 0 : 0
    layerSizes = try Self.layerSizes(graph, source, samples: max(fixed, 1))
    if fixed > 1 {
      guard available >= fixed else { throw .batchSize(fixed: fixed, samples: available) }
      sampleCount = available / fixed * fixed
      batchSize = fixed
      isBatchFixed = true
      isGeneralized = false
      return
    }
    sampleCount = available
    let perSample = layerSizes.values.reduce(0, +)
    let open = min(
      try Self.openBatch(source), available, max(1, Self.layerElementLimit / max(perSample, 1)))
    let mayStack = source.isStackable && available > 1
    isGeneralized =
      fixed == 1 && mayStack && (opensBatch || open > Self.leastGeneralBatch)
      && Self.generalizes(graph, source)
    // A batch that is open by name alone, or that attends across samples, is one sample.
    let isOpen =
      fixed == 0 && mayStack && open > 1
      && (source.changesShape(at: 1) || BatchIndependence.holds(graph, source.inputs))
    isBatchFixed = !isGeneralized && !isOpen
    batchSize = isBatchFixed ? 1 : open
  }

  /// As many samples as fit the limits, judged by the first one.
  private static func openBatch(_ source: any CalibrationSource) throws(ConversionError) -> Int {
    do {
      let elements = try source.inputs(0..<1).reduce(0) { $0 + $1.count }
      return min(openBatch, max(1, elementLimit / max(elements, 1)))
    } catch {
      throw .calibrationData(error)
    }
  }

  private static func layerSizes(
    _ graph: Graph, _ source: any CalibrationSource, samples: Int
  ) throws(ConversionError) -> [ValueID: Int] {
    let layers: [DotProductLayer]
    do { layers = try DotProductLayer.all(in: graph) } catch { throw .graph(error) }
    let feeds: [ValueID: Tensor]
    do {
      feeds = Dictionary(
        uniqueKeysWithValues: zip(graph.inputs, try source.inputs(0..<min(samples, source.count))))
    } catch { throw .calibrationData(error) }
    do {
      return try Session(graph: graph, options: .init(isReproducible: true))
        .types(of: layers.compactMap { $0.output(in: graph) }, for: feeds)
        .mapValues { $0.count / samples }
    } catch { throw .execution(error) }
  }

  /// The same runner over no more than `limit` samples, rounded to whole batches, which are smaller for a lower
  /// limit unless the model fixes them.
  func limited(to limit: Int) -> SampleRunner {
    var limited = self
    if !isBatchFixed { limited.batchSize = min(batchSize, max(1, limit)) }
    let batchSize = limited.batchSize
    let batches = max(1, limit / batchSize)
    limited.sampleCount = min(sampleCount, batches * batchSize)
    return limited
  }

  /// The samples in runs of at most `batchSize`, none across a change of shape.
  var batches: [Range<Int>] {
    var batches: [Range<Int>] = []
    var start = 0
    for index in 0..<sampleCount
    where index + 1 == sampleCount || index + 1 - start == batchSize
      || source.changesShape(at: index + 1)
    {
      batches.append(start..<index + 1)
      start = index + 1
    }
    return batches
  }

  /// The graph as it has to be run: for any batch where that was found to be sound.
  func executable(_ graph: Graph) throws(ConversionError) -> Graph {
    guard isGeneralized else { return graph }
    var general = graph
    do { _ = try BatchGeneralization().run(&general) } catch { throw .pass(error) }
    return general
  }

  /// Feeds for the samples of a range.
  func feeds(_ graph: Graph, _ range: Range<Int>) throws(ConversionError) -> [ValueID: Tensor] {
    do {
      return Dictionary(
        uniqueKeysWithValues: zip(graph.inputs, try source.inputs(range)))
    } catch {
      throw .calibrationData(error)
    }
  }

  /// Runs all samples batch by batch and shows each batch's values to `body`.
  ///
  /// - Parameters:
  ///   - progress: called with the number of samples done.
  ///   - body: a value, its elements in row-major order, and its shape.
  func observe(
    _ values: [ValueID], in graph: Graph, progress: (Int) -> Void = { _ in },
    _ body: (ValueID, UnsafeBufferPointer<Float>, [Int]) -> Void
  ) throws(ConversionError) {
    let graph = try executable(graph)
    do {
      let session = try Session(graph: graph, options: .init(isReproducible: true))
      for range in batches {
        try session.run(try feeds(graph, range), observe: values, body)
        progress(range.upperBound)
      }
    } catch let error as ExecutionError {
      throw .execution(error)
    } catch let error as ConversionError {
      throw error
    } catch {
      throw .calibrationData(error)
    }
  }

  /// Whether a graph made for one sample computes on two at once what it computes on each, once it is rewritten for
  /// any batch.
  private static func generalizes(_ graph: Graph, _ source: any CalibrationSource) -> Bool {
    var general = graph
    do { _ = try BatchGeneralization().run(&general) } catch { return false }
    return BatchIndependence.holds(general, alone: graph, source.inputs)
  }
}
