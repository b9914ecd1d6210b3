import ArgumentParser
import Snug

extension OverflowOptions.Overflow: ExpressibleByArgument {}
extension OverflowOptions.Layers: ExpressibleByArgument {}

struct EvaluateCommand: Subcommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Measure a float or quantized model on data.",
    discussion: """
      Classification: top-1 and top-5 accuracy in percent and the mean cross-entropy. Super-resolution: \
      the mean PSNR in dB over RGB images in 0...1. Regression: the mean squared error.

      With --accumulator-bits the sums of a quantized model's layers run in registers of that width: wrap keeps \
      sums modulo 2^P, saturate clamps after each product in the order in which the file stores the weights \
      (input channel, kernel row, kernel column), count adds exactly; each counts the dot products that overflow. \
      Registers start from a bias that the file holds as integers of the accumulator. Where the file sums in tiles, each \
      tile has such a register, and their sums, with the bias, one of the width that the file states.

      Without labels or targets, 'snug compare' holds a model's layers and outputs against another model's.

      Example:
        snug evaluate resnet20.onnx --data cifar10/test --input-scale 0.00392157 \\
          --mean 0.4914,0.4822,0.4465 --std 0.2471,0.2435,0.2616
      """)

  @Argument(help: ArgumentHelp("The ONNX model.", valueName: "model.onnx"))
  var model: String

  @Option(
    help: ArgumentHelp(
      "Samples with labels or targets: a folder of class folders of images, .npz with x and y, a folder with one .npz a sample, CIFAR-10 *.bin, IDX, or TensorProto .pb files; a folder of images for super-resolution.",
      valueName: "path"))
  var data: InputPath

  @OptionGroup
  var evaluation: SettingOptions<EvaluationOptions>

  @Option(
    help: ArgumentHelp(
      "Signed width, 2 to 32, of the registers that sum a quantized model's products (default: exact sums).",
      valueName: "bits"))
  var accumulatorBits: Int?

  @Option(
    help: ArgumentHelp(
      "Registers of hardware in place of --accumulator-bits, all layers having them: \(Registers.named.map(\.name).joined(separator: ", ")), or a YAML file that describes them.",
      valueName: "name|file.yaml"))
  var registers: RegistersArgument?

  @Option(
    help: ArgumentHelp(
      "What a sum does that the register can't hold: wrap, saturate or count (default: wrap, or as the registers do).",
      valueName: "mode"))
  var overflow: OverflowOptions.Overflow?

  @Option(
    help: ArgumentHelp(
      "Layers with such registers: hidden (without those that the file holds to 32 bits, or without first and last where it holds none to a width) or all (default: hidden).",
      valueName: "layers"))
  var overflowLayers: OverflowOptions.Layers?

  @OptionGroup(title: "Preprocessing options")
  var preprocessing: SettingOptions<Preprocessing>

  @OptionGroup(title: "Common options")
  var common: CommonOptions

  func validate() throws {
    try evaluation.check(in: EvaluationOptions())
    var samples = Preprocessing()
    try preprocessing.apply(to: &samples)
    if samples.task == .superResolution, samples.upscaleFactor == nil {
      throw ValidationError("--task super-resolution needs --scale")
    }
    if let accumulatorBits, !(2...32).contains(accumulatorBits) {
      throw ValidationError("--accumulator-bits is \(accumulatorBits); allowed: 2 to 32")
    }
    if accumulatorBits == nil, registers == nil, overflow != nil || overflowLayers != nil {
      throw ValidationError(
        "--overflow and --overflow-layers need --accumulator-bits or --registers")
    }
  }

  func execute(_ context: CommandContext) throws {
    var options = EvaluationOptions()
    try evaluation.apply(to: &options)
    try preprocessing.apply(to: &options.preprocessing)
    let hardware = try registers?.registers()
    if let hardware, (hardware.bits == nil) != (accumulatorBits != nil) {
      throw ValidationError(
        hardware.bits == nil
          ? "--registers \(hardware.name) has the width of --accumulator-bits: give it too"
          : "--registers \(hardware.name) gives the width: leave --accumulator-bits out")
    }
    options.overflow = (hardware?.bits ?? accumulatorBits).map {
      OverflowOptions(
        accumulatorBits: $0,
        overflow: overflow ?? (hardware?.stages[0].overflow == .saturate ? .saturate : .wrap),
        layers: overflowLayers ?? (hardware?.bits == nil ? .hidden : .all), registers: hardware)
    }
    let result = try ModelFile(model).evaluate(
      on: data.path, options, progress: context.progress)
    try context.print(result, json: common.json)
  }
}
