import ArgumentParser
import Snug

struct SweepCommand: Subcommand {
  static let configuration = CommandConfiguration(
    commandName: "sweep",
    abstract: "Convert a model at many widths, and show what each keeps of its accuracy.",
    discussion: """
      Converts the float model by each method at each combination of widths, as 'snug convert' does, and measures each \
      result on --validation, or on --data where there is no --validation; every result is proved to fit its \
      accumulators. Samples without labels or targets show how much noise each result has in its outputs, against the float \
      model's. The folder gets a table (sweep.csv, a row as soon as it is known), a figure (sweep.svg), a page \
      (sweep.html), and all numbers (sweep.json). A sweep that was stopped goes on when the same command is given again, and ends \
      with the same bytes; widths, methods and seeds may be added.

      With --recommend the cheapest result within that loss is written too (recommended.onnx, and recommended.sh, the command \
      that makes it): the narrowest accumulator, then the least product of weight and activation bits.

      Example:
        snug sweep resnet20.onnx -o sweep --accumulator-bits 9...20 \\
          --data calibration/ --validation test/ --input-scale 0.00392157 \\
          --mean 0.4914,0.4822,0.4465 --std 0.2471,0.2435,0.2616 \\
          --weight-bits 4,8 --activation-bits 4,8 --paired --recommend 1
      """)

  @Argument(help: ArgumentHelp("The float ONNX model.", valueName: "in.onnx"))
  var model: String

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "The folder of the results, which is made where it is missing.", valueName: "folder"))
  var output: SweepFolderPath

  @OptionGroup(title: "Sweep options")
  var sweep: SettingOptions<SweepSettings>

  @OptionGroup(title: "Data options")
  var data: ConversionDataOptions

  @OptionGroup(title: "Quantization options")
  var quantization: SettingOptions<SweptConversionSettings>

  @OptionGroup(title: "Preprocessing options")
  var preprocessing: SettingOptions<Preprocessing>

  @OptionGroup(title: "Training options")
  var training: SettingOptions<FinetuneSettings>

  @OptionGroup(title: "Common options")
  var common: CommonOptions

  func validate() throws {
    try sweep.check(in: SweepOptions())
    try quantization.check(in: ConversionOptions())
    try preprocessing.check(in: Preprocessing())
    try training.check(in: ConversionOptions())
    guard sweep.has("accumulator-bits") else {
      throw ValidationError("Missing --accumulator-bits; give a range, such as 9...20")
    }
  }

  func execute(_ context: CommandContext) throws {
    var options = SweepOptions()
    if let file = data.recipe {
      try RecipeFile.apply(file.path, to: &options.conversion)
      options.recipeFile = file.path
    }
    data.apply(to: &options.conversion)
    try sweep.apply(to: &options)
    try quantization.apply(to: &options.conversion)
    try preprocessing.apply(to: &options.conversion.preprocessing)
    try training.apply(to: &options.conversion)
    guard !options.isPaired || options.weightBits.count == options.activationBits.count else {
      throw ValidationError(
        "--paired needs as many --weight-bits as --activation-bits; there are \(options.weightBits.count) and \(options.activationBits.count)"
      )
    }
    if common.threads == nil, let threads = options.conversion.threads {
      Parallelism.threadCount = threads
      context.warnOfFewerThreads(than: threads)
    }
    if options.conversion.validation == nil {
      context.logger.notice(
        "measuring on --data, which calibration reads too; give --validation for held-out samples")
    }
    let training = options.conversion.training.epochs > 0
    let result = try ModelFile(model).sweep(
      to: output.path, options, paths: context.paths,
      observer: TrainingObserver(
        interruption: training ? InterruptSignal.catchSignals() : Interruption(),
        onStep: { Console.shared.show($0) },
        onNotice: { context.logger.warning("\($0)") }),
      progress: context.progress
    ) { row, result, done, total in
      context.logger.notice("\(done) of \(total): \(result.line(row))")
      context.progress(
        JobProgress(activity: "sweeping", completed: done, total: total, unit: "points"))
    }
    for note in result.notes { context.logger.warning("\(note)") }
    if options.recommend != nil, result.recommendation == nil {
      context.logger.warning("no point is within the loss of --recommend")
    }
    try context.print(result, json: common.json)
  }
}
