import Datasets
import GraphIR

/// What decides an evaluation, besides model and data.
public struct EvaluationOptions: Sendable, Hashable {
  public var preprocessing = Preprocessing()
  /// Samples computed at once, where the model leaves its batch open.
  public var batchSize = 64
  /// Samples to stop after; `nil` takes all.
  public var limit: Int?
  /// Multiplies integers where the model is quantized and the CPU has instructions for it; results are equal
  /// up to the rounding of floats.
  public var usesIntegers = true

  public init() {}
}

extension ModelFile {
  /// Measures the model on data with labels or targets.
  ///
  /// - Parameter data: a file or folder of any kind that ``DatasetLoader`` tells apart.
  /// - Throws: ``SnugError`` where model or data can't be read, don't fit each other, or the data has
  ///   nothing to compare with.
  public func evaluate(
    on data: String, _ options: EvaluationOptions = EvaluationOptions(),
    progress: ProgressHandler = { _ in }
  ) throws(SnugError) -> Evaluation {
    let graph = try inSinglePrecision(try load().graph)
    return try Evaluator(file: path, graph: graph, options: options)
      .evaluate(data, progress: progress)
  }
}
