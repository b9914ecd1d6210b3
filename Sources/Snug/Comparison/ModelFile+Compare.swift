import Datasets
import Reporting
import TensorCore

/// What decides a comparison of two models, besides these and the data.
public struct ComparisonOptions: Sendable, Hashable {
  public var preprocessing = Preprocessing()
  /// Samples that layers and outputs are compared on, drawn at random; the metric is measured on all.
  public var samples = 256
  /// Samples that the metric is measured on, drawn at random; `nil` takes all.
  public var limit: Int?
  public var seed = 0

  public init() {}
}

extension ModelFile {
  /// Holds a quantized model against this one, layer by layer and by its outputs, on the same samples.
  ///
  /// Layers are the same where they have one name. This model may be quantized too.
  ///
  /// - Parameter data: samples, with labels or targets where the metric is to be measured.
  /// - Throws: ``SnugError`` where models or data can't be read, don't fit each other, or have no layer in common.
  public func compare(
    with model: ModelFile, on data: String, _ options: ComparisonOptions = ComparisonOptions(),
    progress: ProgressHandler = { _ in }
  ) throws(SnugError) -> ModelComparison {
    let job = try ComparisonJob(reference: self, model: model, options: options)
    return try job.run(data, progress)
  }
}

extension ModelComparison {
  /// Writes the comparison, and what `inspect` finds in the model, as a page that needs no other file.
  ///
  /// - Parameter others: comparisons that the page shows beside this one.
  /// - Throws: ``SnugError`` where a model can't be read, or the page can't be written.
  public func writeHTML(to path: String, beside others: [ModelComparison] = []) throws(SnugError) {
    var subjects: [ModelPage.Subject] = []
    for comparison in [self] + others {
      subjects.append(
        ModelPage.Subject(
          report: try ModelFile(comparison.model).inspect(), comparison: comparison))
    }
    try OutputFile.write(ModelPage(subjects).html, to: path)
  }
}
