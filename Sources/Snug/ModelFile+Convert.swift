import Datasets
import GraphIR
import OnnxFormat
import Quantization
import Reporting
import TensorCore
import Training
import Verification

extension ModelFile {
  /// Converts the float model and writes the result: import, calibration, quantization, fine-tuning where
  /// the options ask for epochs of it, export, and a certificate from the exported file.
  ///
  /// - Parameters:
  ///   - output: replaced only once the new file is complete.
  ///   - sidecar: where the full certificate goes too.
  ///   - comparison: where a page goes that shows what each layer loses, on the samples that validate or else calibrate.
  ///   - paths: what the caller reads and writes besides, which no output may touch.
  ///   - observer: of the fine-tuning.
  /// - Throws: ``SnugError`` where model, data or options can't be used, a layer that must fit an accumulator is not
  ///   certified, an output can't be written, or the training is interrupted.
  public func convert(
    to output: String, _ options: ConversionOptions = ConversionOptions(), sidecar: String? = nil,
    comparison: String? = nil, paths: JobPaths = JobPaths(),
    observer: TrainingObserver = TrainingObserver(),
    progress: @escaping ProgressHandler = { _ in }
  ) throws(SnugError) -> ConversionSummary {
    var paths = paths
    paths.readModel(path)
    paths.write(output, .model, as: "--output")
    if let sidecar { paths.write(sidecar, .file, as: "--sidecar") }
    if let comparison { paths.write(comparison, .file, as: "--report") }
    paths.add(options)
    try paths.check()
    let compared = options.validation ?? options.data
    if comparison != nil, compared == nil { throw .comparisonWithoutData }
    if options.training.epochs > 0, options.data == nil { throw .trainingWithoutData }
    let reconstructs = options.recipe.reconstructionSteps > 0
    if reconstructs, options.data == nil { throw .reconstructionWithoutData }
    var clock = StageClock()
    let (model, deciding) = try specialized(options)
    let states = try stateFolder(options)
    defer { withExtendedLifetime(states) {} }
    var seconds = ConversionSummary.Seconds()
    seconds.import = clock.lap()
    try wrapping(try Converter(options.recipe).check(model))
    let float = try measure(self, options, progress)
    seconds.evaluate = clock.lap()
    let calibration = try calibration(for: try inSinglePrecision(model.graph), options)
    seconds.calibrate = clock.lap()

    var conversion: Conversion
    var training: TrainingSummary?
    if options.training.epochs > 0 || reconstructs {
      let result = try trained(
        model, calibration, options, float: float, observer: observer, progress)
      (conversion, training) = (result.conversion, result.summary)
      seconds.finetune = result.seconds
    } else {
      conversion = try convert(model, calibration, options, progress)
    }
    seconds.add(conversion.seconds)
    if !deciding.isEmpty { conversion.remarks.append(.decided(inputs: deciding)) }
    _ = clock.lap()
    let finished = try finish(conversion, options, output: output)
    conversion = finished.conversion
    conversion.model.setMetadata(
      Provenance.Key.sources, try Provenance.sources(of: self, data: options.data).text())
    let result = ModelFile(output)
    try result.write(conversion.model, finished.verdicts, certifying: finished.held)
    seconds.export = clock.lap()
    let report = try result.inspect(certifying: finished.held)
    if let sidecar { try result.certificate(of: report).write(to: sidecar, as: "--sidecar") }
    seconds.certify = clock.lap()
    let quantized = try measure(result, options, progress)
    seconds.evaluate += clock.lap()
    var losses: ModelComparison?
    if let comparison, let compared {
      var settings = ComparisonOptions()
      (settings.preprocessing, settings.seed) = (options.preprocessing, options.seed)
      losses = try compare(with: result, on: compared, settings, progress: progress)
      try losses?.writeHTML(to: comparison)
    }
    return ConversionSummary(
      output: output, report: report, comparison: losses, layers: conversion.layers,
      excluded: conversion.excluded, conversionRemarks: conversion.remarks,
      unmatched: finished.unmatched,
      edits: conversion.edits,
      calibrationSamples: conversion.calibrationSamples,
      floatMetric: float, quantizedMetric: quantized, training: training, seconds: seconds,
      peakMemoryBytes: ProcessMemory.peakBytes, next: next(output, options))
  }

  /// The commands that show what a conversion has cost and what it guarantees.
  private func next(_ output: String, _ options: ConversionOptions) -> [String] {
    var commands = [["verify", output]]
    if let data = options.validation ?? options.data {
      commands.append(
        ["compare"] + CommandWords.compare(path, output, data: data, options.preprocessing))
    }
    return commands.map { ShellWords.line(["snug"] + $0) }
  }

  /// The model trained over epochs, or block by block, as the options say.
  func trained(
    _ model: Model, _ calibration: DatasetCalibration?, _ options: ConversionOptions,
    float: Evaluation?, observer: TrainingObserver, _ progress: @escaping ProgressHandler
  ) throws(SnugError) -> FinetuneJob.Result {
    if options.training.epochs > 0 {
      return try FinetuneJob(file: self, options: options, observer: observer, progress: progress)
        .run(model, calibration, floatMetric: float)
    }
    var clock = StageClock()
    let start = try trainable(model, calibration, options, asConverted: true, progress)
    let conversion = try wrapping(try start.bake())
    return FinetuneJob.Result(
      conversion: conversion, seconds: clock.lap() - conversion.seconds.total)
  }

  /// A conversion as its file will hold it, and what the verifier reads there.
  struct Finished {
    var conversion: Conversion
    var verdicts: VerificationResult
    /// Names of layers that were held to a width.
    var held: Set<String>
    var unheld: [UnheldLayer]
    /// What the recipe asks of layers that there aren't.
    var unmatched: [UnmatchedName]
  }

  /// Gives a conversion its metadata and its format.
  ///
  /// - Parameter output: where it will be written, which messages name.
  /// - Throws: ``SnugError/notHeld(output:layers:)`` where the options don't allow what it leaves open, and where the
  ///   format can't express it.
  func finish(_ conversion: Conversion, _ options: ConversionOptions, output: String)
    throws(SnugError) -> Finished
  {
    var conversion = conversion
    conversion.model.setMetadata(Provenance.Key.version, version)
    conversion.model.setMetadata(Provenance.Key.recipe, options.recipeJSON.text())
    if options.format != .qonnx {
      _ = try ExportJob(file: path, options: ExportOptions(format: options.format))
        .run(&conversion.model, storedAs: conversion.model)
    }
    let held = Set(conversion.layers.filter { $0.accumulatorBits != nil }.map(\.name))
    var verdicts = try Self.verdicts(on: conversion.model, file: path)
    if conversion.withdrawOpenLengths(verdicts) {
      verdicts = try Self.verdicts(on: conversion.model, file: path)
    }
    let unheld = UnheldLayer.all(verdicts, conversion, options.recipe)
    let unmatched = UnmatchedName.all(
      options.recipe,
      among: Set(verdicts.layers.map(\.layer.name) + conversion.layers.map(\.name))
        .union(conversion.excluded).union(conversion.exemptions.keys))
    if options.isStrict, let first = unmatched.first {
      throw .unknownLayer(file: path, name: first.pattern, suggestion: first.suggestion)
    }
    if options.isStrict, unheld.contains(where: { !$0.isByOptions }) {
      throw .notHeld(output: output, layers: unheld.filter { !$0.isByOptions })
    }
    UnheldLayer.state(unheld, in: &conversion.model)
    return Finished(
      conversion: conversion, verdicts: verdicts, held: held, unheld: unheld, unmatched: unmatched)
  }

  /// The folder of a training's states, kept from other trainings.
  private func stateFolder(_ options: ConversionOptions) throws(SnugError) -> CheckpointLock? {
    guard options.training.epochs > 0, let folder = options.trainingOutputs.checkpoints else {
      return nil
    }
    do { return try CheckpointLock(folder: folder) } catch {
      throw .training(file: path, .checkpoint(error))
    }
  }

  private func measure(
    _ file: ModelFile, _ options: ConversionOptions, _ progress: ProgressHandler
  ) throws(SnugError) -> Evaluation? {
    guard let validation = options.validation else { return nil }
    var evaluation = EvaluationOptions()
    evaluation.preprocessing = options.preprocessing
    return try file.evaluate(on: validation, evaluation, progress: progress)
  }

  func calibration(for graph: Graph, _ options: ConversionOptions) throws(SnugError)
    -> DatasetCalibration?
  {
    guard let data = options.data else { return nil }
    var request = try options.preprocessing.request(for: graph, of: path, comparesOutputs: false)
    request.usesReference = false
    return try SnugError.wrapping(
      SnugError.dataset,
      try DatasetCalibration(
        DatasetLoader.open(path: data, for: request), limit: options.recipe.calibrationSamples,
        seed: options.seed))
  }

  private func convert(
    _ model: Model, _ calibration: DatasetCalibration?, _ options: ConversionOptions,
    _ progress: ProgressHandler
  ) throws(SnugError) -> Conversion {
    try wrapping(
      try Converter(options.recipe).convert(model, calibration: calibration) {
        progress(JobProgress($0))
      })
  }

  /// The model to train, reconstructed block by block where the recipe asks for it.
  ///
  /// - Parameter asConverted: as of ``Converter/trainable(_:calibration:asConverted:progress:)``.
  func trainable(
    _ model: Model, _ calibration: DatasetCalibration?, _ options: ConversionOptions,
    asConverted: Bool, _ progress: ProgressHandler
  ) throws(SnugError) -> TrainableModel {
    let start = try wrapping(
      try Converter(options.recipe).trainable(
        model, calibration: calibration, asConverted: asConverted
      ) {
        progress(JobProgress($0))
      })
    guard let calibration, options.recipe.reconstructionSteps > 0 else { return start }
    do {
      var settings = BlockReconstruction.Settings()
      settings.steps = options.recipe.reconstructionSteps
      settings.seed = options.seed
      return try BlockReconstruction(start, calibration: calibration, settings: settings).run {
        progress(JobProgress(activity: "reconstructing", completed: $0, total: $1, unit: "blocks"))
      }.model
    } catch {
      throw .training(file: path, error)
    }
  }

  func wrapping<R>(_ value: @autoclosure () throws(ConversionError) -> R) throws(SnugError) -> R {
    do {
      return try value()
    } catch {
      if case .calibrationData(let cause as DatasetError) = error { throw .dataset(cause) }
      if case .calibrationData(let cause as SnugError) = error { throw cause }
      throw .conversion(file: path, error)
    }
  }
}

extension JobProgress {
  init(_ progress: Converter.Progress) {
    let (activity, unit) =
      switch progress.stage {
      case .calibrating: ("calibrating", "samples")
      case .searching: ("choosing ranges", "quantizers")
      case .choosing: ("choosing integers", "layers")
      case .correcting: ("correcting outputs", "layers")
      }
    self.init(
      activity: activity, completed: progress.completed, total: progress.total, unit: unit)
  }
}
