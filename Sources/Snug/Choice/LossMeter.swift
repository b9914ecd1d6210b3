import Datasets
import GraphIR
import Reporting
import TensorCore

/// What a model loses against the float one, measured on two halves of samples.
struct LossMeter {
  struct Loss: Sendable, Hashable {
    /// On the half that leads a search.
    var leading: Double
    /// On the half that checks its result.
    var checking: Double

    var worst: Double { max(leading, checking) }
  }

  let float: ComparisonJob.Side
  let preprocessing: Preprocessing
  /// Of labelled samples; `nil` where outputs are compared with the float model's.
  let metric: MetricKind?
  private let halves: [Half]

  private struct Half {
    let samples: KeptSamples
    /// The float model's metric.
    let value: Double
  }

  /// Bytes of samples that are kept, since every model reads them.
  private static let byteLimit = 1 << 30

  /// - Parameters:
  ///   - count: samples of both halves together.
  ///   - seed: of the drawing.
  /// - Throws: ``SnugError`` where data can't be read or don't fit the model, or there are fewer than two samples.
  init(
    _ float: ComparisonJob.Side, data: String, preprocessing: Preprocessing, count: Int, seed: Int
  ) throws(SnugError) {
    self.float = float
    self.preprocessing = preprocessing
    let request = try preprocessing.request(
      for: float.graph, of: float.file.path, comparesOutputs: true)
    let samples = try SnugError.wrapping(SnugError.dataset) { () throws(DatasetError) in
      let dataset = try DatasetLoader.open(path: data, for: request)
      return try KeptSamples(
        dataset, order: dataset.drawn(min(count, dataset.count), seed: seed),
        byteLimit: Self.byteLimit)
    }
    guard samples.count >= 2 else { throw .choiceWithoutSamples(data: data) }
    let middle = (samples.count + 1) / 2
    var metric: MetricKind?
    var halves: [Half] = []
    for order in [0..<middle, middle..<samples.count] {
      let half = try SnugError.wrapping(
        SnugError.dataset, try KeptSamples(samples, order: Array(order), byteLimit: 0))
      var value = 0.0
      if samples.reference != .none {
        let evaluation = try Self.evaluate(float.graph, of: float.file, preprocessing, half)
        (metric, value) = (evaluation.metric.kind, evaluation.value)
      }
      halves.append(Half(samples: half, value: value))
    }
    self.metric = metric
    self.halves = halves
  }

  /// The unit of losses.
  var unit: String { (metric ?? .outputNoise).lossUnit }

  /// Samples in both halves.
  var sampleCount: Int { halves.reduce(0) { $0 + $1.samples.count } }

  /// - Throws: ``SnugError`` where the model can't be run.
  func loss(of model: ComparisonJob.Side) throws(SnugError) -> Loss {
    Loss(leading: try loss(of: model, halves[0]), checking: try loss(of: model, halves[1]))
  }

  private func loss(of model: ComparisonJob.Side, _ half: Half) throws(SnugError) -> Double {
    if let metric {
      let found = try Self.evaluate(model.graph, of: model.file, preprocessing, half.samples)
      return min(metric.loss(of: found.value, from: half.value), .greatestFiniteMagnitude)
    }
    let bare = ComparisonJob.Side(model.file, model.graph, [])
    let (_, outputs, _) = try ComparisonJob(
      reference: float, model: bare, options: ComparisonOptions()
    ).compare(half.samples)
    return 100 * (outputs.map(\.lostShare).max() ?? 0)
  }

  private static func evaluate(
    _ graph: Graph, of file: ModelFile, _ preprocessing: Preprocessing, _ samples: KeptSamples
  ) throws(SnugError) -> Evaluation {
    var options = EvaluationOptions()
    options.preprocessing = preprocessing
    return try Evaluator(file: file.path, graph: graph, options: options)
      .evaluate(samples, progress: { _ in })
  }

  /// What each layer adds alone, on the first samples of the half that leads.
  ///
  /// - Parameter measuresReach: as of ``ComparisonJob/compare(_:measuresReach:_:)``.
  func layers(of model: ComparisonJob.Side, samples: Int, measuresReach: Bool) throws(SnugError)
    -> [LayerComparison]
  {
    let count = min(samples, halves[0].samples.count)
    let few = try SnugError.wrapping(
      SnugError.dataset,
      try KeptSamples(halves[0].samples, order: Array(0..<count), byteLimit: 0))
    return try ComparisonJob(reference: float, model: model, options: ComparisonOptions())
      .compare(few, measuresReach: measuresReach).0
  }
}
