import ArgumentParser
import Snug

struct CompareCommand: Subcommand {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract: "Show what each layer of a quantized model loses, alone and in place.",
    discussion: """
      Runs both models on the same samples. For each dot product of the second: the signal-to-noise ratio of its output with \
      no other layer quantized (it reads the first model's activations) and in place, its worst channel, the share of \
      activations that are clipped and of weights at the ends of their codes, and what its channels can use of their accumulators. \
      For the outputs: the metric, where the samples have labels or targets, ratio, cosine and largest deviation. Layers are the same \
      where they have one name; both models may be quantized.

      Example:
        snug compare resnet20.onnx resnet20-w4a4p14.onnx --data cifar10/test \\
          --input-scale 0.00392157 --mean 0.4914,0.4822,0.4465 --std 0.2471,0.2435,0.2616
      """)

  @Argument(help: ArgumentHelp("The model to compare with.", valueName: "float.onnx"))
  var reference: String

  @Argument(help: ArgumentHelp("The quantized model.", valueName: "quantized.onnx"))
  var model: String

  @Option(
    help: ArgumentHelp(
      "Samples, as 'snug evaluate' takes them; labels or targets are needed for the metric alone.",
      valueName: "path"))
  var data: InputPath

  @Option(
    help: ArgumentHelp(
      "Samples to compare layers and outputs on, drawn at random (default: \(ComparisonOptions().samples)).",
      valueName: "count"))
  var samples: Int?

  @Option(
    help: ArgumentHelp(
      "Samples to measure the metric on, drawn at random (default: all).", valueName: "count"))
  var limit: Int?

  @Option(
    help: ArgumentHelp(
      "Where to write the comparison, and what 'snug inspect' shows, as a web page too (default: nowhere).",
      valueName: "file.html"))
  var html: OutputPath?

  @Option(
    help: ArgumentHelp(
      "Another quantized model to compare with the first one too, and to show beside the second; may be repeated (default: none).",
      valueName: "other.onnx"))
  var beside: [InputPath] = []

  @OptionGroup(title: "Preprocessing options")
  var preprocessing: SettingOptions<Preprocessing>

  @OptionGroup(title: "Common options")
  var common: CommonOptions

  func validate() throws {
    try preprocessing.check(in: Preprocessing())
    for (name, value) in [("samples", samples), ("limit", limit)] {
      if let value, value < 1 { throw ValidationError("--\(name) is \(value); allowed: 1 and up") }
    }
  }

  func execute(_ context: CommandContext) throws {
    var options = ComparisonOptions()
    try preprocessing.apply(to: &options.preprocessing)
    if let samples { options.samples = samples }
    options.limit = limit
    let results = try ([model] + beside.map(\.path)).map { path in
      try ModelFile(reference).compare(
        with: ModelFile(path), on: data.path, options, progress: context.progress)
    }
    let (result, others) = (results[0], Array(results.dropFirst()))
    if let html { try result.writeHTML(to: html.path, beside: others) }
    try context.print(ReportsTogether(first: result, others: others), json: common.json)
  }
}
