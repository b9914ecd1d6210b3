import ArgumentParser
import Snug

/// What a training leaves besides the model.
struct TrainingOutputOptions: ParsableArguments {
  /// The most minutes between two states, some two years.
  private static let mostMinutes = 1e6

  @Option(
    help: ArgumentHelp(
      "Folder of states to resume from: the same command goes on where it was stopped (default: none).",
      valueName: "folder"))
  var checkpointDir: StateFolderPath?

  @Option(
    help: ArgumentHelp(
      "Minutes between two saved states (default: 5); each epoch's end has one anyway.",
      valueName: "minutes"))
  var checkpointMinutes: Double?

  @Option(
    help: ArgumentHelp(
      "Log of the training: rows as CSV, or as JSON lines where the name ends in .jsonl (default: none).",
      valueName: "file"))
  var log: [LogOutputPath] = []

  @Option(
    help: ArgumentHelp(
      "Curves of loss and metric as an SVG file; a run that was resumed has those before from its --log (default: none).",
      valueName: "file.svg"))
  var plot: OutputPath?

  func validate() throws {
    for isJSON in [false, true]
    where log.count(where: { isJSON == $0.path.hasSuffix(".jsonl") }) > 1 {
      throw ValidationError("--log is given twice for one format; give one CSV and one .jsonl file")
    }
    if let checkpointMinutes, !(checkpointMinutes > 0 && checkpointMinutes <= Self.mostMinutes) {
      throw ValidationError(
        "--checkpoint-minutes is \(checkpointMinutes); allowed: above 0 to \(Int(Self.mostMinutes))"
      )
    }
  }

  /// Puts what was given over `options`.
  func apply(to options: inout ConversionOptions) {
    if let checkpointMinutes {
      options.training.checkpointInterval = .seconds(checkpointMinutes * 60)
    }
    options.trainingOutputs.checkpoints = checkpointDir?.path
    for path in log.map(\.path) {
      if path.hasSuffix(".jsonl") {
        options.trainingOutputs.jsonLines = path
      } else {
        options.trainingOutputs.csv = path
      }
    }
    options.trainingOutputs.plot = plot?.path
  }
}
