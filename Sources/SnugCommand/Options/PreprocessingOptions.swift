import ArgumentParser
import Snug

extension NumberList: ExpressibleByArgument {
  public init?(argument: String) { self.init(argument) }
}

extension Task: ExpressibleByArgument {}

/// How samples on disk become the model's input. A `nil` leaves what a recipe says.
struct PreprocessingOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Mean of each channel, in x' = (x * input-scale - mean) / std; one value for all channels, or one each (default: 0).",
      valueName: "list"))
  var mean: NumberList?

  @Option(
    help: ArgumentHelp(
      "Standard deviation of each channel; one value for all channels, or one each (default: 1).",
      valueName: "list"))
  var std: NumberList?

  @Option(
    help: ArgumentHelp(
      "Factor on the stored values, such as 0.00392157 for bytes to 0...1 (default: 1).",
      valueName: "factor"))
  var inputScale: Double?

  @Option(help: "What the outputs mean (default: told from the data where it is plain).")
  var task: Task?

  @Option(
    help: ArgumentHelp(
      "For super-resolution: how many times the output is larger than the input.",
      valueName: "factor"))
  var scale: Int?

  func validate() throws {
    if let std, std.elements.contains(where: { $0 <= 0 }) {
      throw ValidationError("--std must be positive everywhere")
    }
    if let inputScale, !inputScale.isFinite || inputScale == 0 {
      throw ValidationError("--input-scale must be a finite number other than 0")
    }
    if let scale, !(1...16).contains(scale) {
      throw ValidationError("--scale is \(scale); allowed: 1 to 16")
    }
  }

  /// Puts the flags that were given over `preprocessing`.
  func apply(to preprocessing: inout Preprocessing) {
    if let mean { preprocessing.normalization.mean = mean.elements }
    if let std { preprocessing.normalization.std = std.elements }
    if let inputScale { preprocessing.normalization.inputScale = inputScale }
    if let task { preprocessing.task = task }
    if let scale { preprocessing.upscaleFactor = scale }
  }
}
