import Quantization
import Reporting
import TensorCore
import Training

extension ModelFile {
  /// Converts the float model with widths for each layer that cost as little as a largest loss allows.
  ///
  /// Beside the output go the recipe that repeats the conversion (`.yaml`) and all that was measured on the way
  /// (`.choice.json`), from which a choice that was ended goes on when it is asked for again. One process at a time chooses
  /// for an output.
  ///
  /// - Parameters: as of ``convert(to:_:sidecar:comparison:paths:observer:progress:)``.
  /// - Throws: ``SnugError`` as that one does; where the options leave no widths to choose; and where no widths keep
  ///   the loss.
  public func choose(
    to output: String, _ options: ChoiceOptions, sidecar: String? = nil, comparison: String? = nil,
    paths: JobPaths = JobPaths(), progress: @escaping ProgressHandler = { _ in }
  ) throws(SnugError) -> ConversionSummary {
    guard let maxLoss = options.maxLoss else {
      return try convert(
        to: output, options.conversion, sidecar: sidecar, comparison: comparison, paths: paths,
        progress: progress)
    }
    if let option = options.obstacle { throw .choiceBeside(option: option) }
    let stem = output.hasSuffix(".onnx") ? String(output.dropLast(5)) : output
    let (state, recipe, lockPath) = ("\(stem).choice.json", "\(stem).yaml", "\(stem).choice.lock")
    var paths = paths
    paths.readModel(path)
    paths.write(output, .model, as: "--output")
    paths.write(state, .file, as: "--max-loss (what it has measured)")
    paths.write(recipe, .file, as: "--max-loss (the recipe)")
    paths.write(lockPath, .part, as: "--max-loss (its lock)")
    paths.add(options.conversion)
    try paths.check()
    // Two choices at once would each replace what the other has measured and written.
    let lock: FileLock
    do { lock = try FileLock(path: lockPath, isRemoved: true) } catch {
      switch error {
      case .inUse(let process): throw .choiceInUse(output: output, process: process)
      case .file(let error): throw .file(error)
      }
    }
    defer { withExtendedLifetime(lock) {} }
    var job = try ChoiceJob(
      file: self, options: options, maxLoss: maxLoss, state: state, progress: progress)
    var chosen = try job.run()
    chosen.summary.recipe = recipe
    var conversion = options.conversion
    conversion.recipe = chosen.recipe
    // Samples without labels have no metric before and after.
    if !job.hasLabels { conversion.validation = nil }
    var summary = try convert(
      to: output, conversion, sidecar: sidecar, comparison: comparison, paths: paths,
      progress: progress)
    try OutputFile.write(
      RecipeFile.text(
        conversion,
        heading: [
          "Widths of each layer, found by 'snug convert --max-loss \(maxLoss) --minimize \(options.minimize.description)'.",
          "The same file again, or with changes of yours:",
          ShellWords.line(
            ["snug", "convert", path, "--recipe", recipe]
              + (conversion.data.map { ["--data", $0] } ?? []) + ["--output", output]),
        ]), to: recipe)
    summary.choice = chosen.summary
    return summary
  }
}

extension ChoiceOptions {
  /// An option that leaves nothing to choose, or that a choice doesn't know how to go with; `nil` where there is none.
  fileprivate var obstacle: String? {
    let recipe = conversion.recipe
    if conversion.training.epochs > 0 { return "--epochs" }
    if recipe.reconstructionSteps > 0 { return "--reconstruct" }
    if recipe.registers != nil { return "--registers" }
    if recipe.tileSize != nil { return "--tile-size" }
    return recipe.method == .unconstrained ? "--method unconstrained" : nil
  }
}
