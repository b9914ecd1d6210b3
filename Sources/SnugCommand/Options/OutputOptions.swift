import ArgumentParser

/// What a conversion writes.
struct OutputOptions: ParsableArguments {
  @Option(
    name: .shortAndLong, help: ArgumentHelp("Where to write the result.", valueName: "out.onnx"))
  var output: ModelOutputPath

  @Option(
    help: ArgumentHelp(
      "Where to write the full certificate as JSON too, one entry a channel (default: nowhere).",
      valueName: "file.json"))
  var sidecar: OutputPath?

  @Option(
    help: ArgumentHelp(
      "Where to write the report as a web page too (default: nowhere).", valueName: "file.html"))
  var html: OutputPath?

  @Option(
    help: ArgumentHelp(
      "Where to write the report together with what each layer loses against the float model, which needs samples (default: nowhere).",
      valueName: "file.html"))
  var report: OutputPath?
}
