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

      Example:
        snug convert resnet20.onnx -o resnet20-w4a4p14.onnx \\
          --data calibration/ --validation test/ --input-scale 0.00392157 \\
          --mean 0.4914,0.4822,0.4465 --std 0.2471,0.2435,0.2616 \\
          --weight-bits 4 --activation-bits 4 --accumulator-bits 14
      """)

  @OptionGroup
  var arguments: ConversionArguments

  @OptionGroup(title: "Common options")
  var common: CommonOptions

  func execute(_ context: CommandContext) throws {
    try arguments.run(context, common: common, epochs: 0)
  }
}
