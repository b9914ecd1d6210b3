import Datasets
import GraphIR
import Reporting
import TensorCore

/// What a sweep measures of each of its models, on the same samples: the task's metric where these have labels or targets,
/// and else the noise in the outputs against the float model's, as `convert --max-loss` measures it.
struct SweepMeter: Sendable {
  /// The float model, measured.
  struct Reference: Sendable {
    var metric: MetricKind
    var value: Double
    var samples: Int
    /// `nil` without labels and targets.
    var evaluation: Evaluation?
  }

  private enum Samples: Sendable {
    case labelled(KeptSamples)
    case unlabelled(LossMeter)
  }

  private let file: ModelFile
  private let float: Graph
  private let preprocessing: Preprocessing
  private let samples: Samples

  /// Bytes of samples that are kept to measure on, since every point reads them.
  private static let byteLimit = 1 << 30

  /// - Parameters:
  ///   - float: in single precision.
  ///   - data: held-out samples where there are such.
  ///   - limit: of samples, drawn at random; `nil` for all.
  /// - Throws: ``SnugError`` where the data can't be read, or don't fit the model.
  init(
    _ file: ModelFile, _ float: Graph, data: String, _ preprocessing: Preprocessing, limit: Int?,
    seed: Int
  ) throws(SnugError) {
    self.file = file
    self.float = float
    self.preprocessing = preprocessing
    let request = try preprocessing.request(for: float, of: file.path, comparesOutputs: true)
    let dataset = try SnugError.wrapping(
      SnugError.dataset, try DatasetLoader.open(path: data, for: request))
    // Who names a task means its metric, and is told where the data lack what it compares with.
    guard dataset.reference == .none, preprocessing.task == nil else {
      let labelled = try Self.evaluator(file, float, preprocessing).open(data)
      let order = limit.flatMap { limit in
        limit < labelled.count ? labelled.drawn(limit, seed: seed).sorted() : nil
      }
      samples = .labelled(
        try SnugError.wrapping(
          SnugError.dataset,
          try KeptSamples(labelled, order: order, byteLimit: Self.byteLimit)))
      return
    }
    samples = .unlabelled(
      try LossMeter(
        ComparisonJob.Side(file, float, []), data: data, preprocessing: preprocessing,
        count: limit ?? .max, seed: seed))
  }

  /// Whether there is something to compare outputs with besides the float model's.
  var hasLabels: Bool { if case .labelled = samples { true } else { false } }

  private static func evaluator(_ file: ModelFile, _ graph: Graph, _ preprocessing: Preprocessing)
    -> Evaluator
  {
    var options = EvaluationOptions()
    options.preprocessing = preprocessing
    return Evaluator(file: file.path, graph: graph, options: options)
  }

  /// The float model's metric, from an earlier run where there was one.
  func reference(_ document: JSONValue?, _ progress: ProgressHandler) throws(SnugError) -> Reference
  {
    switch samples {
    case .unlabelled(let meter):
      return Reference(metric: .outputNoise, value: 0, samples: meter.sampleCount)
    case .labelled(let samples):
      var evaluation: Evaluation
      if let metric = document?["metric"]?.stringValue.flatMap(Evaluation.Metric.init),
        let value = document?["float"]?.doubleValue,
        let count = document?["samples"]?.integerValue
      {
        evaluation = Evaluation(metric: metric, value: value, samples: Int(count), seconds: 0)
      } else {
        evaluation = try Self.evaluator(file, float, preprocessing)
          .evaluate(samples, progress: progress)
      }
      return Reference(
        metric: evaluation.metric.kind, value: evaluation.value, samples: evaluation.samples,
        evaluation: evaluation)
    }
  }

  /// What a converted graph keeps, or loses.
  func measure(_ graph: Graph) throws(SnugError) -> SweepRow.Measurement {
    switch samples {
    case .unlabelled(let meter):
      let side = ComparisonJob.Side(file, try file.inSinglePrecision(graph), [])
      return SweepRow.Measurement(value: try meter.loss(of: side).worst)
    case .labelled(let samples):
      let found = try Self.evaluator(file, graph, preprocessing)
        .evaluate(samples, progress: { _ in })
      return SweepRow.Measurement(value: found.value, top5: found.top5, crossEntropy: found.loss)
    }
  }
}
