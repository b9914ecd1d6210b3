import Passes
import Quantization

/// What a user says of an export, before shapes are read.
public struct ExportRequest: Sendable {
  public var export = ExportOptions()
  public var shapes = InputShapeTexts()

  public init() {}

  /// - Throws: ``SnugError/shapeText(_:)`` for a text that is no shape.
  public func options() throws(SnugError) -> ExportOptions {
    var options = export
    options.inputShapes = try shapes.inputShapes()
    return options
  }
}

extension ExportRequest: SettingTable {
  /// How `export` writes a model.
  package static let settings =
    [Setting("format", \ExportRequest.export.format, .choice(), fallback: .qonnx, "The format")]
    + ExportFormSettings.settings
}

/// What `export` calls format options; the command has an option of its own for the format, which guesses names.
package enum ExportFormSettings: SettingTable {
  package static let settings: [Setting<ExportRequest>] =
    [
      Setting(
        "batch-normalization", \.export.batchNormalization, .choice(), fallback: .keep,
        "What becomes of batch normalisation: keep, fold (into scale and bias) or thresholds (with the quantizer behind it one MultiThreshold; for qonnx)",
        placeholder: "form"),
      Setting(
        "channels-last", \.export.channelsLast, .yesNo, fallback: false,
        "Write convolutions, pooling and normalisation in QONNX's channels-last operators, inputs and outputs with their channels last; for qonnx, and always so for hls4ml",
        isOptional: true),
    ] + InputShapeTexts.settings.map { $0.lifted(to: \.shapes) }
}
