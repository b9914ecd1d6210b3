import ArgumentParser
import Snug

struct FinetuneCommand: Subcommand {
  static let configuration = CommandConfiguration(
    commandName: "finetune",
    abstract: "Train a model under the accumulator constraint, then export it certified.",
    discussion: """
      As 'snug convert', with quantization-aware training of weights, scales, norms, biases and \
      normalisations: the forward pass computes with the integers that will be exported, gradients pass \
      straight through the rounding. Samples without labels do where the float model is imitated \
      (--loss distill). With --validation the best epoch is exported. With --checkpoint-dir, a run that was \
      stopped goes on when the same command is given again, and ends with the same bytes.

      Example:
        snug finetune resnet20.onnx -o resnet20-w4a4p12.onnx \\
          --data cifar10/train --validation cifar10/test --input-scale 0.00392157 \\
          --mean 0.4914,0.4822,0.4465 --std 0.2471,0.2435,0.2616 \\
          --accumulator-bits 12 --epochs 10 --augment flip,crop=4 \\
          --checkpoint-dir states --log training.csv --plot training.svg
      """)

  @OptionGroup
  var arguments: ConversionArguments

  @OptionGroup(title: "Common options")
  var common: CommonOptions

  func execute(_ context: CommandContext) throws {
    try arguments.run(context, common: common, epochs: TrainingSettings.usualEpochs)
  }
}
