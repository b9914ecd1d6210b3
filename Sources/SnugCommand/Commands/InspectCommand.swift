import ArgumentParser
import Snug

struct InspectCommand: Subcommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: "Show every dot-product layer: bits, scales, accumulator need, headroom, sparsity.",
    discussion: """
      Reads float models, QONNX, and QDQ or integer graphs of other tools. The required width is exact: \
      the least signed accumulator that no input and no order of summation can overflow.

      Example:
        snug inspect model-w4a4.onnx --html report.html
      """)

  @Argument(help: ArgumentHelp("The ONNX model.", valueName: "model.onnx"))
  var model: String

  @Option(
    help: ArgumentHelp(
      "Where to write the report as a web page too (default: nowhere).", valueName: "file.html"))
  var html: OutputPath?

  @OptionGroup(title: "Common options")
  var common: CommonOptions

  func execute(_ context: CommandContext) throws {
    let report = try ModelFile(model).inspect()
    if let html { try report.writeHTML(to: html.path) }
    try context.print(report, json: common.json)
  }
}
