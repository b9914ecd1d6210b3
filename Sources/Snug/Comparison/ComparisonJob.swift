import AccumulatorBounds
import Datasets
import Execution
import GraphIR
import Operators
import Quantization
import Reporting
import TensorCore
import Verification

/// Two models, the layers that they have in common, and what is measured of each.
struct ComparisonJob {
  private let reference: Side
  private let model: Side
  private let options: ComparisonOptions
  private let layers: [Layer]

  /// One of the models, ready to be run.
  struct Side {
    /// Where it is, or what it was made from.
    let file: ModelFile
    let graph: Graph
    let verdicts: [LayerVerdict]
    fileprivate let names: NamedValues

    init(_ file: ModelFile) throws(SnugError) {
      self.init(
        file, try file.inSinglePrecision(try file.load().graph),
        try file.verify().result.layers)
    }

    /// - Parameters:
    ///   - graph: in single precision.
    ///   - verdicts: the verifier's reading of it.
    init(_ file: ModelFile, _ graph: Graph, _ verdicts: [LayerVerdict]) {
      self.file = file
      self.graph = graph
      self.verdicts = verdicts
      names = NamedValues(graph)
    }

    fileprivate func session(_ plans: Int) throws(SnugError) -> Session {
      try SnugError.wrapping(
        { .execution(file: file.path, $0) },
        try Session(graph: graph, options: .init(planLimit: plans, isReproducible: true)))
    }

    fileprivate func feeds(_ inputs: [Tensor]) -> [ValueID: Tensor] {
      Dictionary(uniqueKeysWithValues: zip(graph.inputs, inputs))
    }
  }

  /// A layer of the model, its counterpart, and what is seen of both.
  fileprivate struct Layer {
    let verdict: LayerVerdict
    let probe: LayerProbe
    /// Of the reference; `nil` where it has no such layer.
    let counterpart: LayerProbe?
    /// What the layer reads, in both models; `nil` where they don't have all of it in common.
    let sources: [(model: ValueID, reference: ValueID)]?
    var alone = NoiseMeter()
    var inPlace = NoiseMeter()
    /// Of each output; empty where it isn't measured.
    var reach: [OutputMeter] = []
    var activations: ActivationCounts?
  }

  /// - Throws: ``SnugError`` where a model can't be read, or the two have no layer in common.
  init(reference: ModelFile, model: ModelFile, options: ComparisonOptions) throws(SnugError) {
    self.init(reference: try Side(reference), model: try Side(model), options: options)
    guard layers.contains(where: { $0.counterpart != nil }) else {
      throw .nothingToCompare(reference: reference.path, model: model.path)
    }
  }

  init(reference a: Side, model b: Side, options: ComparisonOptions) {
    reference = a
    model = b
    self.options = options
    let counterparts = Dictionary(
      a.verdicts.map { ($0.layer.name, $0.layer) }, uniquingKeysWith: { first, _ in first })
    layers = b.verdicts.compactMap { verdict in
      guard let probe = LayerProbe(verdict.layer, in: b.graph, b.names) else { return nil }
      let counterpart = counterparts[verdict.layer.name].flatMap {
        LayerProbe($0, in: a.graph, a.names)
      }
      let pairs = probe.inputs.compactMap { input -> (model: ValueID, reference: ValueID)? in
        a.names[b.graph[input].name].map { (input, $0) }
      }
      return Layer(
        verdict: verdict, probe: probe, counterpart: counterpart,
        sources: pairs.count == probe.inputs.count && !pairs.isEmpty ? pairs : nil)
    }
  }

  func run(_ path: String, _ progress: ProgressHandler) throws(SnugError) -> ModelComparison {
    var evaluation = EvaluationOptions()
    evaluation.preprocessing = options.preprocessing
    // Without labels or targets, layers and outputs can still be compared.
    let request = try options.preprocessing.request(
      for: reference.graph, of: reference.file.path, comparesOutputs: true)
    let dataset = try SnugError.wrapping(
      SnugError.dataset, try DatasetLoader.open(path: path, for: request))
    let drawn = dataset.drawn(options.samples, seed: options.seed).sorted()
    let samples = try SnugError.wrapping(
      SnugError.dataset, try KeptSamples(dataset, order: drawn, byteLimit: 0))
    let (layers, outputs, count) = try compare(samples, progress)
    var result = ModelComparison(
      reference: reference.file.path, model: model.file.path, samples: count,
      metric: try metric(dataset, evaluation, progress), outputs: outputs, layers: layers)
    result.sources = [
      "reference": .array(try FileHash.identities(ofModel: reference.file.path).map(\.json)),
      "data": .string("\(FilePath.name(of: path)), \(try Provenance.data(path))"),
      "seed": JSONValue(options.seed),
    ]
    return result
  }

  private func metric(
    _ dataset: any Dataset, _ options: EvaluationOptions, _ progress: ProgressHandler
  ) throws(SnugError) -> ModelComparison.Metric? {
    guard dataset.reference != .none else { return nil }
    let order = self.options.limit.flatMap { limit in
      limit < dataset.count ? dataset.drawn(limit, seed: self.options.seed).sorted() : nil
    }
    let samples = try SnugError.wrapping(
      SnugError.dataset, try KeptSamples(dataset, order: order, byteLimit: 0))
    func measure(_ side: Side) throws(SnugError) -> Evaluation {
      try Evaluator(file: side.file.path, graph: side.graph, options: options)
        .evaluate(samples, progress: progress)
    }
    let (before, after) = (try measure(reference), try measure(model))
    return ModelComparison.Metric(
      metric: before.metric.kind, reference: before.value, model: after.value,
      samples: after.samples)
  }

  // MARK: Layers and outputs

  private static let batchSize = 32

  /// The batch that one of the models was exported for; `nil` where it is open in both.
  private var fixedBatch: Int? {
    [reference, model].flatMap { side in
      side.graph.inputs.compactMap { side.graph[$0].type?.dimensions?.first?.size }
    }.max()
  }

  /// What is measured of the layers and outputs on samples, and on how many of them.
  ///
  /// - Parameter measuresReach: whether ``LayerComparison/reach`` is found, which runs the reference once more for each layer.
  func compare(
    _ samples: KeptSamples, measuresReach: Bool = false, _ progress: ProgressHandler = { _ in }
  ) throws(SnugError) -> ([LayerComparison], [OutputComparison], Int) {
    var layers = layers
    var outputs = [OutputMeter](
      repeating: OutputMeter(), count: min(reference.graph.outputs.count, model.graph.outputs.count)
    )
    let plans = 2 * layers.count + 4
    let (before, after) = (try reference.session(plans), try model.session(plans))
    let size = samples.isStackable ? fixedBatch ?? Self.batchSize : 1
    let batches = BatchStream.sequentialPlan(samples, batchSize: size)
    var done = 0
    // A batch that isn't whole does for a model of open batch alone.
    for indices in batches
    where fixedBatch.map({ indices.count == $0 }) ?? true || !samples.isStackable {
      let batch = try SnugError.wrapping(SnugError.dataset, try samples.batch(indices))
      try compare(batch.inputs, before, after, measuresReach, &layers, &outputs)
      done += indices.count
      progress(
        JobProgress(
          activity: "comparing", completed: done, total: samples.count, unit: "samples"))
    }
    let compared = zip(outputs, model.graph.outputs).filter { !$0.0.isEmpty }
    return (
      layers.map(\.comparison), compared.map { $0.comparison(model.graph[$1].name) }, done
    )
  }

  private func compare(
    _ inputs: [Tensor], _ before: Session, _ after: Session, _ measuresReach: Bool,
    _ layers: inout [Layer], _ outputs: inout [OutputMeter]
  ) throws(SnugError) {
    let seen = layers.flatMap { layer in
      (layer.counterpart.map { [$0.output] } ?? []) + (layer.sources?.map(\.reference) ?? [])
    }
    let wanted = try run(
      before, reference, reference.feeds(inputs), Set(seen + reference.graph.outputs))
    let found = try run(
      after, model, model.feeds(inputs),
      Set(layers.flatMap { [$0.probe.output] + $0.probe.inputs } + model.graph.outputs))
    for (index, pair) in zip(reference.graph.outputs, model.graph.outputs).enumerated() {
      guard let a = wanted[pair.0], let b = found[pair.1] else { continue }
      outputs[index].add(reference: a, b)
    }
    for index in layers.indices {
      let layer = layers[index]
      layers[index].count(layer.probe.inputs.compactMap { found[$0] })
      guard let counterpart = layer.counterpart, let expected = wanted[counterpart.output] else {
        continue
      }
      if let actual = found[layer.probe.output] {
        layers[index].inPlace.add(
          reference: expected, actual, axis: layer.probe.channelAxis)
      }
      guard let sources = layer.sources else { continue }
      // What the layer reads comes from the reference, so that nothing before it is quantized.
      var feeds = model.feeds(inputs)
      for source in sources { feeds[source.model] = wanted[source.reference] }
      if let actual = try run(after, model, feeds, [layer.probe.output])[layer.probe.output] {
        layers[index].alone.add(reference: expected, actual, axis: layer.probe.channelAxis)
        guard measuresReach else { continue }
        var feeds = reference.feeds(inputs)
        feeds[counterpart.output] = actual
        let reached = try run(before, reference, feeds, Set(reference.graph.outputs))
        if layers[index].reach.isEmpty {
          layers[index].reach = reference.graph.outputs.map { _ in OutputMeter() }
        }
        for (place, output) in reference.graph.outputs.enumerated() {
          guard let a = wanted[output], let b = reached[output] else { continue }
          layers[index].reach[place].add(reference: a, b)
        }
      }
    }
  }

  private func run(
    _ session: Session, _ side: Side, _ feeds: [ValueID: Tensor], _ values: Set<ValueID>
  ) throws(SnugError) -> [ValueID: Tensor] {
    try SnugError.wrapping(
      { .execution(file: side.file.path, $0) },
      try session.run(feeds, fetch: values.sorted()))
  }
}

extension ComparisonJob.Layer {
  /// Counts the activations that the layer's quantizer takes.
  fileprivate mutating func count(_ values: [Tensor]) {
    guard let input = verdict.layer.input, let scale = input.scale, scale > 0,
      input.integerMinimum <= input.integerMaximum
    else { return }
    var counts =
      activations
      ?? ActivationCounts(integers: input.integerMinimum...input.integerMaximum, scale: scale)
    for value in values where value.elementType == .float32 {
      value.withElements(of: Float.self) { counts.add($0) }
    }
    activations = counts
  }

  fileprivate var comparison: LayerComparison {
    var result = LayerComparison(name: verdict.layer.name, op: verdict.layer.op)
    result.alone = alone.ratio
    result.inPlace = inPlace.ratio
    result.reach = reach.map(\.lostShare).max()
    result.worstChannel = inPlace.worstChannel
    result.activations = activations
    result.saturatedShare = saturatedShare
    result.budgetUse = budgetUse
    return result
  }

  /// The share of the weights at either end of what their codes hold.
  private var saturatedShare: Double? {
    guard let weight = verdict.layer.weight, weight.bits > 0, weight.bits < 63 else { return nil }
    let most: Int64 = (1 << (weight.signed ? weight.bits - 1 : weight.bits)) - 1
    let least: Int64 = weight.signed ? (weight.narrow ? -most : -most - 1) : 0
    var (count, saturated) = (0, 0)
    for channel in verdict.layer.channels.indices {
      for integer in verdict.layer.integers(ofChannel: channel) ?? [] {
        count += 1
        if integer >= most || (least < 0 && integer <= least) { saturated += 1 }
      }
    }
    return count > 0 ? Double(saturated) / Double(count) : nil
  }

  /// What each channel's extremes are of the accumulator's limits; `nil` without a target or exact sums.
  private var budgetUse: (mean: Double, most: Double)? {
    guard let bits = verdict.targetBits, let range = AccumulatorRange(bits: bits) else {
      return nil
    }
    let cases =
      verdict.tiles?.channels.map(\.inner) ?? verdict.layer.channels.map(\.worstCase)
    let uses = cases.map { worst in
      max(
        Double(worst.maximum) / Double(range.maximum),
        Double(worst.minimum) / Double(range.minimum))
    }
    guard let most = uses.max() else { return nil }
    return (uses.reduce(0, +) / Double(uses.count), most)
  }
}
