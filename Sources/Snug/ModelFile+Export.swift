import AccumulatorBounds
import GraphIR
import Passes
import Reporting
import TensorCore

/// An exported model and what it shows of its accumulators.
public struct ExportSummary: Sendable {
  public var output: String
  public var format: ExportFormat
  /// Reading of the exported file.
  public var report: InspectionReport
  /// What was changed, pass by pass.
  public var edits: [PassReport]
}

extension ExportSummary {
  /// The document of `export --json`.
  public var json: JSONValue {
    ["output": .string(output), "format": .string(format.rawValue), "report": report.json]
  }
}

extension ModelFile {
  /// Writes the quantized model in another deployment format; every integer stays as it is.
  ///
  /// - Parameter output: replaced only once the new file is complete.
  /// - Throws: ``SnugError`` where the file can't be read, isn't quantized, or holds what the format can't express,
  ///   where tiles that the file's order of weights fits don't fit the format's, where a layer with a target width is
  ///   not certified, and where the output can't be written.
  public func export(to output: String, _ options: ExportOptions) throws(SnugError) -> ExportSummary
  {
    var paths = JobPaths()
    paths.readModel(path)
    paths.write(output, .model, as: "--output")
    try paths.check()
    let stored = try fixing(options.inputShapes, in: try read())
    var model = try inStandardOperators(stored)
    let targets = model.layersWithTarget
    let edits = try ExportJob(file: path, options: options).run(&model, storedAs: stored)
    let result = ModelFile(output)
    try result.write(
      model, try Self.verdicts(on: model, file: path), certifying: targets)
    return ExportSummary(
      output: output, format: options.format, report: try result.inspect(certifying: targets),
      edits: edits)
  }
}

extension Model {
  /// Names of the layers that the file states a width for.
  fileprivate var layersWithTarget: Set<String> {
    Set(accumulatorAnnotations.filter { $0.targetBits != nil }.map(\.layer))
  }
}
