import ArgumentParser
import Snug

extension ExportFormat {
  private static var names: [String] { allCases.map(\.rawValue) }

  /// The names of all formats, as a sentence lists them.
  fileprivate static var choices: String {
    names.dropLast().joined(separator: ", ") + (names.last.map { " or \($0)" } ?? "")
  }

  /// A line a format: its name and what it is.
  fileprivate static var table: [String] {
    let width = (names.map(\.count).max() ?? 0) + 3
    return allCases.map { format in
      format.rawValue + String(repeating: " ", count: width - format.rawValue.count)
        + format.summary
    }
  }

  /// - Throws: `ValidationError` for a text that names no format, with the nearest one that does.
  fileprivate static func named(_ text: String) throws -> ExportFormat {
    guard let format = ExportFormat(rawValue: text) else {
      throw ValidationError("give \(choices)\(Spelling.question(about: text, among: names))")
    }
    return format
  }
}

struct ExportCommand: Subcommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Write a quantized model in another deployment format.",
    discussion: """
      Every integer of weights and activations stays as it is, and so does what the accumulators need. FINN reads qonnx, and \
      onnxruntime qcdq, qdq-int4 and integer.

      \(ExportFormat.table.joined(separator: "\n"))

      Example:
        snug export resnet20-w4a4p14.onnx -o resnet20-integer.onnx --format integer
      """)

  static let computesLong = false

  @Argument(help: ArgumentHelp("The quantized ONNX model.", valueName: "model.onnx"))
  var model: String

  @Option(
    name: .shortAndLong, help: ArgumentHelp("Where to write the result.", valueName: "out.onnx"))
  var output: ModelOutputPath

  @Option(
    help: ArgumentHelp(
      "The format: \(ExportFormat.choices) (default: \(ExportFormat.qonnx.rawValue)).",
      valueName: "format"), transform: ExportFormat.named)
  var format: ExportFormat?

  @OptionGroup(title: "Format options")
  var form: SettingOptions<ExportFormSettings>

  @OptionGroup(title: "Common options")
  var common: CommonOptions

  func validate() throws { try form.check(in: ExportRequest()) }

  func execute(_ context: CommandContext) throws {
    var request = ExportRequest()
    try form.apply(to: &request)
    if let format { request.export.format = format }
    let options = try request.options()
    let summary = try ModelFile(model).export(to: output.path, options)
    for report in summary.edits {
      for edit in report.edits {
        context.logger.debug("\(report.pass): \(edit.node): \(edit.what)")
      }
    }
    try context.print(summary, json: common.json)
  }
}

extension ExportSummary: PrintableReport {
  func text(style: TextStyle) -> String {
    let table = report.text(style: style)
    return table + (table.hasSuffix("\n") ? "\n" : "\n\n")
      + "Written as \(format.rawValue): \(output.printable)"
  }
}
