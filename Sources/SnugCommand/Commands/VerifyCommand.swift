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
      file states tiles, as --tile-size writes them, each tile's register is tested, and the one that adds them. \
      With --registers every layer is tested against the registers of a processor, whatever the file states. \
      A model with an operator that isn't known, and may hide a dot product, is not certified.

      Example:
        snug verify model-w4a4.onnx --accumulator-bits 14
        snug verify model-w8a8.onnx --registers x86-u8s8
        snug verify model-w4a4.onnx --certificate model.certificate.json
        snug verify model-w4a4.onnx --check model.certificate.json

      Exit status: 0 certified, 1 refuted or not certifiable.
      """)

  static let computesLong = false

  @Argument(help: ArgumentHelp("The quantized ONNX model.", valueName: "model.onnx"))
  var model: String

  @OptionGroup(title: "Condition options")
  var conditions: SettingOptions<VerificationConditionSettings>

  // A path, which no output may replace.
  @Option(help: VerificationOptions.registers.help)
  var registers: RegistersArgument?

  @Option(
    help: ArgumentHelp(
      "Where to write the certificate of a certified model, bound to the file's bytes (default: nowhere).",
      valueName: "file.json"))
  var certificate: OutputPath?

  @Option(
    help: ArgumentHelp(
      "Where to write what isn't certified in SARIF 2.1.0, for code review (default: nowhere).",
      valueName: "file.sarif"))
  var sarif: OutputPath?

  @Option(
    help: ArgumentHelp(
      "Where to write the verdict on each layer as JUnit XML, for continuous integration (default: nowhere).",
      valueName: "file.xml"))
  var junit: OutputPath?

  @Option(
    help: ArgumentHelp(
      "Certificate to hold against the model, number by number, under the conditions that it states.",
      valueName: "file.json"))
  var check: InputPath?

  @OptionGroup(title: "Common options")
  var common: CommonOptions

  func validate() throws {
    try conditions.check(in: VerificationOptions())
    if check != nil,
      !conditions.isEmpty || registers != nil || certificate != nil || sarif != nil || junit != nil
    {
      throw ValidationError("--check takes its conditions from the certificate: give it alone")
    }
  }

  func execute(_ context: CommandContext) throws {
    let file = ModelFile(model)
    if let check {
      let checked = try file.check(certificateAt: check.path)
      try context.print(checked, json: common.json)
      if !checked.holds { throw ExitCode.refuted }
      return
    }
    var options = VerificationOptions()
    try self.conditions.apply(to: &options)
    options.registers = try registers?.registers()
    let conditions = try options.conditions()
    guard let certificate else {
      try answer(try file.verify(conditions), context)
      return
    }
    let certified = try file.certificate(conditions)
    try answer(VerificationReport(path: model, result: certified.result), context)
    try certified.write(to: certificate.path, as: "--certificate")
  }

  /// Prints the verdict, and ends the command where there is no certificate.
  private func answer(_ report: VerificationReport, _ context: CommandContext) throws {
    if let sarif { try report.writeSARIF(to: sarif.path) }
    if let junit { try report.writeJUnit(to: junit.path) }
    try context.print(report, json: common.json)
    if !report.result.isCertified { throw ExitCode.refuted }
  }
}
