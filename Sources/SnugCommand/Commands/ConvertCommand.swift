import ArgumentParser
import Snug

struct ConvertCommand: Subcommand {
  static let configuration = CommandConfiguration(
    commandName: "convert",
    abstract: "Convert a float model to a certified low-bit QONNX model.",
    discussion: """
      Imports the float checkpoint, calibrates activation ranges on unlabelled samples, quantizes \
      every dot-product layer under its accumulator constraint, proves the result from the exported \
      integers, and writes it. Without --data, ranges must follow from the graph itself. With --epochs \
      the model is fine-tuned on the way; see 'snug finetune'.

      With --max-loss each layer gets widths of its own, the cheapest that lose no more than that. A recipe that repeats the \
      conversion is written beside the output (.yaml), and what was measured on the way (.choice.json): a choice that was \
      stopped goes on when the same command is given again.

      Example:
        snug convert resnet20.onnx -o resnet20-w4a4p14.onnx \\
          --data calibration/ --validation test/ --input-scale 0.00392157 \\
          --mean 0.4914,0.4822,0.4465 --std 0.2471,0.2435,0.2616 \\
          --weight-bits 4 --activation-bits 4 --accumulator-bits 14
      """)

  @OptionGroup
  var arguments: ConversionArguments

  @OptionGroup(title: "Choice options")
  var choice: SettingOptions<ChoiceSettings>

  @OptionGroup(title: "Common options")
  var common: CommonOptions

  func validate() throws { try choice.check(in: ChoiceOptions()) }

  func execute(_ context: CommandContext) throws {
    guard choice.has("max-loss") else {
      for option in ["minimize", "loss-samples"] where choice.has(option) {
        context.logger.warning("--\(option) has no effect without --max-loss")
      }
      return try arguments.run(context, common: common, epochs: 0)
    }
    var options = ChoiceOptions()
    options.conversion = try arguments.options(context, common: common, epochs: 0)
    try choice.apply(to: &options)
    let summary = try ModelFile(arguments.model).choose(
      to: arguments.output.output.path, options, sidecar: arguments.output.sidecar?.path,
      comparison: arguments.output.report?.path, paths: context.paths, progress: context.progress)
    try arguments.show(summary, context, common: common)
  }
}
