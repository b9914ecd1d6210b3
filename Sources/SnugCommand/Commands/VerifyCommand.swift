import ArgumentParser
import Snug

struct VerifyCommand: Subcommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Prove or refute that no accumulator can overflow.",
    discussion: """
      Recomputes every layer's integers from the file alone. A layer is certified where every partial \
      sum of its products, in any order and for any input, fits its accumulator; a refuted layer comes \
      with an input that overflows. A bias is included where the file holds it as integers on the \
      accumulator's scale, as --bias-bits writes it; any other is added to real numbers, outside. Where the \
      file states tiles, as --tile-size writes them, each tile's register is tested, and the one that adds them.

      Example:
        snug verify model-w4a4.onnx --accumulator-bits 14

      Exit status: 0 certified, 1 refuted or not certifiable.
      """)

  @Argument(help: ArgumentHelp("The quantized ONNX model.", valueName: "model.onnx"))
  var model: String

  @Option(
    help: ArgumentHelp(
      "Width that every layer is tested against, of tiles where it has such, 1 to 64 (default: what the file states for each layer).",
      valueName: "p"))
  var accumulatorBits: Int?

  @OptionGroup(title: "Common options")
  var common: CommonOptions

  func validate() throws {
    if let accumulatorBits, !(1...64).contains(accumulatorBits) {
      throw ValidationError("--accumulator-bits is \(accumulatorBits); allowed: 1 to 64")
    }
  }

  func execute(_ context: CommandContext) throws {
    let report = try ModelFile(model).verify(accumulatorBits: accumulatorBits)
    try context.print(report, json: common.json)
    if !report.result.isCertified { throw ExitCode.refuted }
  }
}
