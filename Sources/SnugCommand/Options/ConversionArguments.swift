import ArgumentParser
import Snug

/// What `convert` and `finetune` take alike.
struct ConversionArguments: ParsableArguments {
  @Argument(help: ArgumentHelp("The float ONNX model.", valueName: "in.onnx"))
  var model: String

  @OptionGroup(title: "Output options")
  var output: OutputOptions

  @OptionGroup(title: "Data options")
  var data: ConversionDataOptions

  @OptionGroup(title: "Quantization options")
  var quantization: SettingOptions<QuantizationSettings>

  @OptionGroup(title: "Preprocessing options")
  var preprocessing: SettingOptions<Preprocessing>

  @OptionGroup(title: "Training options")
  var training: SettingOptions<FinetuneSettings>

  @OptionGroup(title: "Training output options")
  var trainingOutputs: TrainingOutputOptions

  func validate() throws {
    try quantization.check(in: ConversionOptions())
    try preprocessing.check(in: Preprocessing())
    try training.check(in: ConversionOptions())
  }

  /// Everything that decides the conversion, from the recipe file and the flags.
  ///
  /// - Parameter epochs: where neither a flag nor a recipe file says how many.
  func options(_ context: CommandContext, common: CommonOptions, epochs: Int) throws
    -> ConversionOptions
  {
    var options = ConversionOptions(epochs: epochs)
    if let file = data.recipe { try RecipeFile.apply(file.path, to: &options) }
    data.apply(to: &options)
    try quantization.apply(to: &options)
    try preprocessing.apply(to: &options.preprocessing)
    try training.apply(to: &options)
    trainingOutputs.apply(to: &options)
    if common.threads == nil, let threads = options.threads {
      Parallelism.threadCount = threads
      context.warnOfFewerThreads(than: threads)
    }
    if options.data == nil, options.recipe.biasCorrection,
      quantization.has("bias-correction")
    {
      context.logger.warning("--bias-correction has no effect without --data")
    }
    if options.training.epochs == 0, options.trainingOutputs != Trainer.Outputs() {
      context.logger.warning("--checkpoint-dir, --log and --plot have no effect without --epochs")
    }
    return options
  }

  /// Converts, and prints what came of it.
  ///
  /// - Parameter epochs: where neither a flag nor a recipe file says how many.
  func run(_ context: CommandContext, common: CommonOptions, epochs: Int) throws {
    let options = try options(context, common: common, epochs: epochs)
    let interruption =
      options.training.epochs > 0 ? InterruptSignal.catchSignals() : Interruption()
    let summary = try ModelFile(model).convert(
      to: output.output.path, options, sidecar: output.sidecar?.path,
      comparison: output.report?.path, paths: context.paths,
      observer: TrainingObserver(
        interruption: interruption, isProfiled: common.verbose,
        onStep: { Console.shared.show($0) },
        onNotice: { context.logger.warning("\($0)") }), progress: context.progress)
    try show(summary, context, common: common)
  }

  /// Prints what came of a conversion, and writes its page.
  func show(_ summary: ConversionSummary, _ context: CommandContext, common: CommonOptions) throws {
    if let html = output.html { try summary.report.writeHTML(to: html.path) }
    for report in summary.edits {
      for edit in report.edits {
        context.logger.debug("\(report.pass): \(edit.node): \(edit.what)")
      }
    }
    for share in summary.training?.profile ?? [] {
      context.logger.debug("\(share.label): \(share.seconds.formatted(digits: 2)) s")
    }
    try context.print(summary, json: common.json)
  }
}
