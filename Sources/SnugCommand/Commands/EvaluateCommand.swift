import ArgumentParser
import Snug

struct EvaluateCommand: Subcommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Measure a float or quantized model on data.",
    discussion: """
      Classification: top-1 and top-5 accuracy in percent and the mean cross-entropy. Super-resolution: \
      the mean PSNR in dB over RGB images in 0...1. Regression: the mean squared error.

      Example:
        snug evaluate resnet20.onnx --data cifar10/test --input-scale 0.00392157 \\
          --mean 0.4914,0.4822,0.4465 --std 0.2471,0.2435,0.2616
      """)

  @Argument(help: ArgumentHelp("The ONNX model.", valueName: "model.onnx"))
  var model: String

  @Option(
    help: ArgumentHelp(
      "Samples with labels or targets: a folder of class folders of images, .npz with x and y, CIFAR-10 *.bin, IDX, or TensorProto .pb files; a folder of images for super-resolution.",
      valueName: "path"))
  var data: String

  @Option(
    help: ArgumentHelp(
      "Samples computed at once, where the model leaves its batch open (default: \(EvaluationOptions().batchSize)).",
      valueName: "count"))
  var batchSize: Int?

  @Option(help: ArgumentHelp("Samples to stop after (default: all).", valueName: "count"))
  var limit: Int?

  @OptionGroup(title: "Preprocessing options")
  var preprocessing: PreprocessingOptions

  @OptionGroup(title: "Common options")
  var common: CommonOptions

  func validate() throws {
    if let batchSize, !(1...65536).contains(batchSize) {
      throw ValidationError("--batch-size is \(batchSize); allowed: 1 to 65536")
    }
    if preprocessing.task == .superResolution, preprocessing.scale == nil {
      throw ValidationError("--task super-resolution needs --scale")
    }
    if let limit, limit < 1 { throw ValidationError("--limit is \(limit); allowed: 1 and up") }
  }

  func execute(_ context: CommandContext) throws {
    var options = EvaluationOptions()
    preprocessing.apply(to: &options.preprocessing)
    if let batchSize { options.batchSize = batchSize }
    if let limit { options.limit = limit }
    let result = try ModelFile(model).evaluate(
      on: data, options, progress: context.progress)
    try context.print(common.json ? result.json.text() : result.text)
  }
}
