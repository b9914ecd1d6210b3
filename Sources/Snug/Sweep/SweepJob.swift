import Datasets
import GraphIR
import Quantization
import Reporting
import Synchronization
import TensorCore
import Training

/// A sweep with all that its points share: the model, the samples to measure on, and for each seed a series of
/// conversions.
struct SweepJob: Sendable {
  let file: ModelFile
  private var options: SweepOptions
  let folder: SweepFolder
  let observer: TrainingObserver
  let progress: ProgressHandler
  private let model: Model
  private let calibrationData: String
  private let identity: JSONValue

  /// - Throws: ``SnugError`` where the model or the data can't be read, or no point could be converted.
  init(
    file: ModelFile, options: SweepOptions, data: String, folder: SweepFolder,
    observer: TrainingObserver, progress: @escaping ProgressHandler
  ) throws(SnugError) {
    self.file = file
    self.options = options
    self.folder = folder
    self.observer = observer
    self.progress = progress
    calibrationData = data
    let conversion = options.conversion
    model = try file.specialized(conversion).model
    try file.wrapping(try Converter(conversion.recipe).check(model))
    identity = try Self.identity(file, options)
  }

  /// What decides the rows besides what a point sets.
  private static func identity(_ file: ModelFile, _ options: SweepOptions) throws(SnugError)
    -> JSONValue
  {
    let shared = (options.conversion.recipeJSON.objectValue ?? []).filter {
      !ofPoints.contains($0.key)
    }
    return .object(
      [JSONMember("version", .string(version)), JSONMember("model", try file.fingerprint)]
        + (try DataContent.members(of: options.conversion.data, as: "data"))
        + (try DataContent.members(of: options.conversion.validation, as: "validation"))
        + [
          JSONMember("limit", options.limit.map { JSONValue($0) } ?? .null),
          JSONMember("first_seed", JSONValue(options.conversion.seed)),
        ] + shared)
  }

  // MARK: Running

  func run(_ onRow: @escaping @Sendable (SweepRow, SweepResult, Int, Int) -> Void)
    throws(SnugError) -> SweepResult
  {
    let document = try folder.known(identity)
    let graph = try file.inSinglePrecision(model.graph)
    let meter = try SweepMeter(
      file, graph, data: options.conversion.validation ?? calibrationData,
      options.conversion.preprocessing, limit: options.limit, seed: options.conversion.seed)
    var job = self
    // Samples without labels have no metric that training could be led by.
    if !meter.hasLabels { job.options.conversion.validation = nil }
    return try job.run(document, graph, meter, onRow)
  }

  private func run(
    _ document: JSONValue?, _ graph: Graph, _ meter: SweepMeter,
    _ onRow: @escaping @Sendable (SweepRow, SweepResult, Int, Int) -> Void
  ) throws(SnugError) -> SweepResult {
    let float = try meter.reference(document, progress)
    var result = try start(document, float)
    let points = options.points
    let known = Set(result.rows.map(\.point))
    let missing = points.filter { !known.contains($0) }
    let shared = SharedRun(
      result, float: float.evaluation, missing: missing, done: points.count - missing.count)
    try folder.write(result)
    Workers.run(min(options.jobs, max(missing.count, 1))) { _ in
      work(shared, graph, meter, total: points.count, onRow)
    }
    result = try shared.outcome()
    if let limit = options.recommend {
      result.recommendation = try recommend(result, within: limit)
    }
    try folder.finish(result)
    return result
  }

  /// Takes one point after the other until none is left or one has failed.
  private func work(
    _ shared: SharedRun, _ graph: Graph, _ meter: SweepMeter, total: Int,
    _ onRow: @Sendable (SweepRow, SweepResult, Int, Int) -> Void
  ) {
    while let point = shared.next() {
      do throws(SnugError) {
        let (row, unmatched) = try row(point, shared, graph, meter)
        try shared.add(row, notes: unmatched.map(\.text)) { (result, done) throws(SnugError) in
          try folder.write(result)
          onRow(row, result, done, total)
        }
      } catch {
        shared.fail(error)
      }
    }
  }

  private func row(
    _ point: SweepPoint, _ shared: SharedRun, _ float: Graph, _ meter: SweepMeter
  ) throws(SnugError) -> (SweepRow, [UnmatchedName]) {
    var options = options.options(for: point)
    options.format = .qonnx
    do throws(SnugError) {
      let converted = try conversion(point, options, shared, float)
      let finished = try file.finish(converted, options, output: file.path)
      try file.require(finished.verdicts, finished.held)
      var found = try meter.measure(finished.conversion.model.graph)
      let targeted = finished.verdicts.layers.filter {
        $0.targetBits == point.setting.accumulatorBits
      }
      found.requiredBits = targeted.compactMap(\.requiredBits).max()
      found.unheldLayers = finished.unheld.count { !$0.isByOptions }
      return (SweepRow(point, .measured(found)), finished.unmatched)
    } catch {
      guard error.isOfWidths else { throw error }
      return (SweepRow(point, .refused(error.diagnostic.message.singleLine)), [])
    }
  }

  private func conversion(
    _ point: SweepPoint, _ options: ConversionOptions, _ shared: SharedRun, _ graph: Graph
  ) throws(SnugError) -> Conversion {
    guard options.training.epochs > 0 || options.recipe.reconstructionSteps > 0 else {
      let series = try shared.series(point.seed) { () throws(SnugError) in
        let calibration = try file.calibration(for: graph, options)
        return try file.wrapping(
          try ConversionSeries(model, options.recipe, calibration: calibration))
      }
      return try file.wrapping(try series.convert(options.recipe, measuresOutputs: false))
    }
    var options = options
    let states = folder.states(of: point)
    if options.training.epochs > 0 { options.trainingOutputs.checkpoints = states }
    let trained = try file.trained(
      model, try file.calibration(for: graph, options), options, float: shared.float,
      observer: observer, progress)
    return trained.conversion
  }

  // MARK: The result

  /// What is known before the first of this run's points.
  private func start(_ document: JSONValue?, _ float: SweepMeter.Reference) throws(SnugError)
    -> SweepResult
  {
    let words = try CommandWords.convert(
      file.path, options.conversion, recipe: options.recipeFile, excluding: Self.ofPoints)
    return SweepResult(
      model: FilePath.name(of: file.path), identity: identity, metric: float.metric,
      floatValue: float.value, samples: float.samples,
      rows: document.flatMap { SweepResult.rows(in: $0) } ?? [], command: words,
      folder: folder.path)
  }

  /// The names of the options that a point sets.
  private static let ofPoints = Set(SweepSettings.settings.map(\.name) + ["seed"])

  /// Writes the cheapest setting within a loss, and says how.
  private func recommend(_ result: SweepResult, within limit: Double) throws(SnugError)
    -> SweepRecommendation?
  {
    guard let found = result.cheapest(within: limit) else { return nil }
    let seed = options.conversion.seed
    let point = SweepPoint(found.setting, seed: seed)
    var options = options.options(for: point)
    options.validation = nil
    if options.training.epochs > 0 {
      options.validation = self.options.conversion.validation
      options.trainingOutputs.checkpoints = folder.states(of: point)
    }
    _ = try file.convert(to: folder.recommended, options, observer: observer, progress: progress)
    return SweepRecommendation(
      found, seed: seed, limit: limit,
      loss: result.metric.loss(of: found.mean, from: result.floatValue),
      output: SweepFolder.recommendedName,
      command: result.command(
        for: found.setting, seed: seed, output: SweepFolder.recommendedName))
  }
}

/// What the threads of a sweep share.
private final class SharedRun: Sendable {
  private struct State {
    var result: SweepResult
    var missing: [SweepPoint]
    var done: Int
    var series: [Int: ConversionSeries] = [:]
    var failure: SnugError?
  }

  private let state: Mutex<State>
  private let preparation = Mutex<Void>(())
  /// Of the float model; `nil` where samples have nothing to compare it with.
  let float: Evaluation?

  init(_ result: SweepResult, float: Evaluation?, missing: [SweepPoint], done: Int) {
    state = Mutex(State(result: result, missing: missing.reversed(), done: done))
    self.float = float
  }

  /// The next point to convert; `nil` once there is none, or one has failed.
  func next() -> SweepPoint? {
    state.withLock { $0.failure == nil ? $0.missing.popLast() : nil }
  }

  func fail(_ error: SnugError) {
    state.withLock { if $0.failure == nil { $0.failure = error } }
  }

  /// Enters a row, and has the whole written before another one comes.
  func add(
    _ row: SweepRow, notes: [String], _ write: (SweepResult, Int) throws(SnugError) -> Void
  ) throws(SnugError) {
    try state.withLock { (state) throws(SnugError) in
      state.result.add(row)
      // The same for all points, since they have the recipe's names in common.
      if !notes.isEmpty { state.result.notes = notes }
      state.done += 1
      try write(state.result, state.done)
    }
  }

  /// The conversions of a seed, made by the first that asks for them.
  func series(_ seed: Int, _ make: () throws(SnugError) -> ConversionSeries) throws(SnugError)
    -> ConversionSeries
  {
    try preparation.withLock { _ throws(SnugError) in
      if let known = state.withLock({ $0.series[seed] }) { return known }
      let made = try make()
      // Points come seed by seed, so that those before are done but for the last ones.
      state.withLock { $0.series = $0.series.filter { $0.key == seed - 1 } }
      state.withLock { $0.series[seed] = made }
      return made
    }
  }

  func outcome() throws(SnugError) -> SweepResult {
    let (result, failure) = state.withLock { ($0.result, $0.failure) }
    if let failure { throw failure }
    return result
  }
}

extension SnugError {
  /// Whether the widths alone are to blame, rather than the model, the data or the machine.
  var isOfWidths: Bool {
    switch self {
    case .notCertified, .notHeld, .conversion(_, .quantizer): true
    default: false
    }
  }
}
