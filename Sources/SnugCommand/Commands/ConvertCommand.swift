import ArgumentParser
import Snug

struct ConvertCommand: Subcommand {
  static let configuration = CommandConfiguration(
    commandName: "convert",
    abstract: "Convert a float model to a certified low-bit QONNX model.",
    discussion: """
      Imports the float checkpoint, calibrates activation ranges on unlabelled samples, quantizes \
      every dot-product layer under its accumulator constraint, proves the result from the exported \
      integers, and writes it. Without --data, ranges must follow from the graph itself.

      Example:
        snug convert resnet20.onnx -o resnet20-w4a4p14.onnx \\
          --data calibration/ --validation test/ --input-scale 0.00392157 \\
          --mean 0.4914,0.4822,0.4465 --std 0.2471,0.2435,0.2616 \\
          --weight-bits 4 --activation-bits 4 --accumulator-bits 14
      """)

  @Argument(help: ArgumentHelp("The float ONNX model.", valueName: "in.onnx"))
  var model: String

  @OptionGroup(title: "Output options")
  var output: OutputOptions

  @OptionGroup(title: "Quantization options")
  var recipe: RecipeOptions

  @OptionGroup(title: "Data options")
  var data: ConversionDataOptions

  @OptionGroup(title: "Preprocessing options")
  var preprocessing: PreprocessingOptions

  @OptionGroup(title: "Common options")
  var common: CommonOptions

  func execute(_ context: CommandContext) throws {
    var options = ConversionOptions()
    if let file = recipe.recipe { try RecipeFile.apply(file, to: &options) }
    recipe.apply(to: &options)
    data.apply(to: &options)
    preprocessing.apply(to: &options.preprocessing)
    if let threads = common.threads ?? options.threads { Parallelism.threadCount = threads }
    if options.data == nil, recipe.biasCorrection == .on {
      context.logger.warning("--bias-correction has no effect without --data")
    }
    let summary = try ModelFile(model).convert(
      to: output.output, options, sidecar: output.sidecar, progress: context.progress)
    for report in summary.edits {
      for edit in report.edits {
        context.logger.debug("\(report.pass): \(edit.node): \(edit.what)")
      }
    }
    try context.print(summary, json: common.json)
  }
}
