import Datasets
import GraphIR

/// What decides an evaluation, besides model and data.
public struct EvaluationOptions: Sendable, Hashable {
  public var preprocessing = Preprocessing()
  /// Samples computed at once, where the model leaves its batch open; `nil` takes as many as the caches hold, from
  /// ``batchSizes``.
  public var batchSize: Int?
  /// The smallest and the largest batch that is taken where nobody says.
  public static let batchSizes = CacheSizedBatch.allowed
  /// Samples to stop after; `nil` takes all.
  public var limit: Int?
  /// Multiplies integers where the model is quantized and the CPU has instructions for it; results are equal
  /// up to the rounding of floats.
  public var usesIntegers = true
  /// Sums products in registers of limited width, and counts what overflows; `nil` adds exactly.
  public var overflow: OverflowOptions?

  public init() {}
}

extension ModelFile {
  /// Measures the model on data with labels or targets.
  ///
  /// - Parameter data: a file or folder of any kind that ``DatasetLoader`` tells apart.
  /// - Throws: ``SnugError`` where model or data can't be read, don't fit each other, the data has nothing to
  ///   compare with, or the accumulators that the options ask for can't be emulated.
  public func evaluate(
    on data: String, _ options: EvaluationOptions = EvaluationOptions(),
    progress: ProgressHandler = { _ in }
  ) throws(SnugError) -> Evaluation {
    var graph = try inSinglePrecision(try load().graph)
    guard let overflow = options.overflow else {
      return try Evaluator(file: path, graph: graph, options: options)
        .evaluate(data, progress: progress)
    }
    let emulation = try OverflowEmulation(
      overflow, &graph,
      analysis: try verify(VerificationConditions(registers: overflow.registers)).result, file: path
    )
    var options = options
    options.usesIntegers = false
    var result = try Evaluator(file: path, graph: graph, options: options)
      .evaluate(data, progress: progress)
    result.overflow = emulation.report
    return result
  }
}
