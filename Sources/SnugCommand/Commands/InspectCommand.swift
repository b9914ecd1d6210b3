import ArgumentParser
import Snug

struct InspectCommand: Subcommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: "Show every dot-product layer: bits, scales, accumulator need, headroom, sparsity.",
    discussion: """
      Reads float models, QONNX, and QDQ or integer graphs of other tools. The required width is exact: \
      the least signed accumulator that no input and no order of summation can overflow.

      --layer, --filter and --sort choose what is shown, in the table and in --json; the verdict and the page are on all layers. \
      Columns: k, channels, weight, input (bits), target, required, by-type, headroom, zeros (per cent), \
      products, bit-operations, luts.

      Example:
        snug inspect model-w4a4.onnx --html report.html
        snug inspect model-w4a4.onnx --filter 'headroom<1' --sort=-required
        snug inspect model-p12.onnx --beside model-p16.onnx --html both.html
      """)

  static let computesLong = false

  @Argument(help: ArgumentHelp("The ONNX model.", valueName: "model.onnx"))
  var model: String

  @Option(
    help: ArgumentHelp(
      "Where to write the report as a web page too (default: nowhere).", valueName: "file.html"))
  var html: OutputPath?

  @Option(
    help: ArgumentHelp(
      "Another model to show beside this one, in the page in one table; may be repeated (default: none).",
      valueName: "other.onnx"))
  var beside: [InputPath] = []

  @Option(
    help: ArgumentHelp(
      "Layers to show, by name, in which * stands for any characters; may be repeated (default: all).",
      valueName: "name"))
  var layer: [LayerName] = []

  @Option(
    help: ArgumentHelp(
      "Layers to show: certified, open or float, or a column and a number, such as 'headroom<1'; all that are given must hold (default: all).",
      valueName: "condition"), transform: LayerFilter.init(argument:))
  var filter: [LayerFilter] = []

  @Option(
    help: ArgumentHelp(
      "Column to sort by, with a minus before it the largest first (default: as in the file).",
      valueName: "column"), transform: LayerOrder.init(argument:))
  var sort: LayerOrder?

  @OptionGroup(title: "Common options")
  var common: CommonOptions

  func execute(_ context: CommandContext) throws {
    var selection = LayerSelection()
    (selection.names, selection.filters) = (layer.map(\.text), filter)
    if let sort { (selection.sort, selection.isDescending) = (sort.column, sort.isDescending) }
    let reports = try ([model] + beside.map(\.path)).map { path in
      var report = try ModelFile(path).inspect()
      try report.select(selection)
      return report
    }
    let (report, others) = (reports[0], Array(reports.dropFirst()))
    if let html { try report.writeHTML(to: html.path, beside: others) }
    try context.print(ReportsTogether(first: report, others: others), json: common.json)
    if !report.result.layers.isEmpty, report.result.layers.allSatisfy({ !$0.layer.isQuantized }) {
      context.logger.notice(
        "no layer of it is quantized in full; 'snug convert' does that to a float model")
    }
  }
}

/// The name of a layer, or a pattern of names.
struct LayerName: ExpressibleByArgument {
  let text: String

  init?(argument: String) {
    if argument.isEmpty { return nil }
    text = argument
  }
}

extension LayerFilter {
  /// - Throws: `ValidationError` for what is no condition.
  fileprivate init(argument: String) throws {
    guard let filter = LayerFilter(argument) else {
      let word = String(argument.prefix { !"<>!=".contains($0) })
      let words = LayerColumn.allCases.map(\.rawValue) + State.allCases.map(\.rawValue)
      throw ValidationError(
        words.contains(word)
          ? "give a comparison with a number, such as '\(word)<1'"
          : "'\(word)' is no column\(Spelling.question(about: word, among: words))")
    }
    self = filter
  }
}

/// A column to sort by, and which end comes first.
struct LayerOrder {
  let column: LayerColumn
  let isDescending: Bool

  /// - Throws: `ValidationError` for a text that names no column.
  init(argument: String) throws {
    isDescending = argument.hasPrefix("-")
    let name = String(isDescending ? argument.dropFirst() : argument[...])
    guard let column = LayerColumn(rawValue: name) else {
      let names = LayerColumn.allCases.map(\.rawValue)
      throw ValidationError(
        "'\(name)' is no column\(Spelling.question(about: name, among: names))")
    }
    self.column = column
  }
}
