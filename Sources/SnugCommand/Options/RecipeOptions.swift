import ArgumentParser
import Snug

extension Recipe.Method: ExpressibleByArgument {}
extension Recipe.Initializer: ExpressibleByArgument {}
extension Recipe.Refinement: ExpressibleByArgument {}
extension Recipe.ScaleCriterion: ExpressibleByArgument {}
extension Recipe.Rounding: ExpressibleByArgument {}
extension Recipe.RangeEstimator: ExpressibleByArgument {}
extension Recipe.ActivationWidth: ExpressibleByArgument {}
extension Recipe.ScaleType: ExpressibleByArgument {}
extension ExportFormat: ExpressibleByArgument {}

/// `on` or `off`.
enum Switch: String, ExpressibleByArgument, CaseIterable {
  case on, off
}

/// What to convert to. A `nil` leaves what the recipe file says, or else the default.
struct RecipeOptions: ParsableArguments {
  private static let defaults = Recipe()

  @Option(
    help: ArgumentHelp(
      "YAML file with any of these options as 'name: value', and overrides for single layers under 'layers'; a flag wins over the file.",
      valueName: "file.yaml"))
  var recipe: InputPath?

  @Option(
    help:
      "How weights come to fit the accumulator: zero-centred norm bound, plain norm bound, exact sums of each sign, or not at all (default: \(defaults.method.rawValue))."
  )
  var method: Recipe.Method?

  @Option(
    help: ArgumentHelp(
      "Weight bits of the hidden layers, 2 to 8 (default: \(defaults.weightBits)).",
      valueName: "m"))
  var weightBits: Int?

  @Option(
    help: ArgumentHelp(
      "Input-activation bits of the hidden layers, 1 to 8 (default: \(defaults.activationBits)).",
      valueName: "n"))
  var activationBits: Int?

  @Option(
    help: ArgumentHelp(
      "Signed accumulator width of the hidden layers, 2 to 32 (default: \(defaults.accumulatorBits)).",
      valueName: "p"))
  var accumulatorBits: Int?

  @Option(
    help: ArgumentHelp(
      "Weight and input-activation bits of the first and the last dot-product layer, 2 to 8; their accumulator is held to \(Recipe.ioAccumulatorBits) bits (default: \(defaults.ioBits)).",
      valueName: "b"))
  var ioBits: Int?

  @Option(
    help: ArgumentHelp(
      "Quantize biases to signed integers of this many bits, 2 to 23, on the scale of the accumulator, and include them in its bound (default: biases stay in floating point, outside the accumulator).",
      valueName: "b"))
  var biasBits: Int?

  @Option(
    help: ArgumentHelp(
      "Sum each run of this many products, in the weight tensor's order, in a register of --accumulator-bits, and the runs' sums in an outer one (default: one register for all products).",
      valueName: "t"))
  var tileSize: Int?

  @Option(
    help: ArgumentHelp(
      "Signed width of the register that adds the runs of --tile-size, up to 64 (default: the least that no runs can overflow).",
      valueName: "q"))
  var outerBits: Int?

  @Option(
    name: .customLong("init"),
    help:
      "How weights are brought near the constraint first: Euclidean projection, or the norm alone (default: \(defaults.initializer.rawValue))."
  )
  var initializer: Recipe.Initializer?

  @Option(
    help:
      "What is done beyond the method's own initialisation and rounding; 'best' searches scales and integers of the whole exact budget, as --scale-search and --rounding say, and corrects the outputs' variance (default: \(defaults.refine.rawValue))."
  )
  var refine: Recipe.Refinement?

  @Option(
    help:
      "With --refine best: whether each channel's scale is searched by the error of its weights or of its output on the calibration samples (default: \(defaults.scaleSearch.rawValue))."
  )
  var scaleSearch: Recipe.ScaleCriterion?

  @Option(
    help:
      "With --refine best: round each weight to the nearest integer, or with the errors of those before it made up for on the calibration samples (default: \(defaults.rounding.rawValue))."
  )
  var rounding: Recipe.Rounding?

  @Option(
    help:
      "Method for depthwise layers under a2q+, any but unconstrained (default: \(defaults.depthwiseMethod.rawValue))."
  )
  var depthwise: Recipe.Method?

  @Option(
    help: "Correct the mean shift of each channel's output (default: on where --data is given).")
  var biasCorrection: Switch?

  @Option(
    help:
      "How an activation's clipping range follows from the samples (default: \(defaults.rangeEstimator.rawValue))."
  )
  var activationRange: Recipe.RangeEstimator?

  @Option(
    help:
      "Whether activation quantizers may be up to two bits narrower where the accumulator gains more than they lose; needs --data (default: fixed)."
  )
  var activationWidth: Recipe.ActivationWidth?

  @Option(
    help: ArgumentHelp(
      "Steps of training each block of the converted model toward the float model's, without labels; needs --data (default: 0).",
      valueName: "count"))
  var reconstructionSteps: Int?

  @Option(
    help:
      "Move factors between consecutive layers first, so that their channels become alike (default: off)."
  )
  var equalization: Switch?

  @Option(
    help:
      "What the scales of weights and activations may be: any number, or powers of two (default: \(defaults.scaleType.rawValue))."
  )
  var scaleType: Recipe.ScaleType?

  @Option(
    help: ArgumentHelp(
      "The most samples that calibration reads (default: \(defaults.calibrationSamples)).",
      valueName: "count"))
  var calibrationSamples: Int?

  @Flag(
    inversion: .prefixedNo,
    help: "Fold batch normalisation into the layer before it (default: no).")
  var foldBatchNormalization: Bool?

  @Flag(
    inversion: .prefixedNo, help: "Give the graph input an unsigned quantizer (default: no).")
  var inputUnsigned: Bool?

  @Option(help: "Dialect of the exported file (default: \(ExportFormat.qonnx.rawValue)).")
  var format: ExportFormat?

  @Option(
    help: ArgumentHelp("Seed of all random choices (default: 0).", valueName: "number"))
  var seed: Int?

  func validate() throws {
    if let seed, seed < 0 { throw ValidationError("--seed is \(seed); allowed: 0 and up") }
    var options = ConversionOptions()
    apply(to: &options)
    do {
      try options.recipe.validate()
    } catch {
      throw ValidationError("--\(error)")
    }
  }

  /// Puts the flags that were given over `options`.
  func apply(to options: inout ConversionOptions) {
    if let method { options.recipe.method = method }
    if let weightBits { options.recipe.weightBits = weightBits }
    if let activationBits { options.recipe.activationBits = activationBits }
    if let accumulatorBits { options.recipe.accumulatorBits = accumulatorBits }
    if let ioBits { options.recipe.ioBits = ioBits }
    if let biasBits { options.recipe.biasBits = biasBits }
    if let tileSize { options.recipe.tileSize = tileSize }
    if let outerBits { options.recipe.outerBits = outerBits }
    if let initializer { options.recipe.initializer = initializer }
    if let refine { options.recipe.refine = refine }
    if let scaleSearch { options.recipe.scaleSearch = scaleSearch }
    if let rounding { options.recipe.rounding = rounding }
    if let depthwise { options.recipe.depthwiseMethod = depthwise }
    if let biasCorrection { options.recipe.biasCorrection = biasCorrection == .on }
    if let activationRange { options.recipe.rangeEstimator = activationRange }
    if let activationWidth { options.recipe.activationWidth = activationWidth }
    if let reconstructionSteps { options.recipe.reconstructionSteps = reconstructionSteps }
    if let equalization { options.recipe.equalization = equalization == .on }
    if let scaleType { options.recipe.scaleType = scaleType }
    if let calibrationSamples { options.recipe.calibrationSamples = calibrationSamples }
    if let foldBatchNormalization {
      options.recipe.foldBatchNormalization = foldBatchNormalization
    }
    if let inputUnsigned { options.recipe.inputUnsigned = inputUnsigned }
    if let format { options.format = format }
    if let seed { options.seed = seed }
  }
}
