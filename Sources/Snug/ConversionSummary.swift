import Passes
import Quantization
import Reporting
import TensorCore
import Training

/// A conversion that was written: what was done, what it cost, and what the file guarantees.
public struct ConversionSummary: Sendable {
  /// Wall-clock seconds of each stage.
  public struct Seconds: Sendable, Hashable {
    public var `import` = 0.0
    public var calibrate = 0.0
    /// Choosing the integers of the weights.
    public var initialize = 0.0
    /// Correction of the layers' outputs on calibration data, and the measurement of what error is left in them.
    public var correct = 0.0
    public var finetune = 0.0
    public var export = 0.0
    /// The certificate from the exported file.
    public var certify = 0.0
    /// Metrics before and after, on validation data.
    public var evaluate = 0.0
  }

  /// The path of the converted model.
  public var output: String
  /// What the exported file holds and guarantees.
  public var report: InspectionReport
  /// What each layer loses, where a page of it was asked for.
  public var comparison: ModelComparison?
  /// The widths that were found; `nil` where they were given.
  public var choice: ChoiceSummary?
  public var layers: [Conversion.Layer]
  /// Names of dot-product layers that the recipe leaves in floating point.
  public var excluded: [String]
  /// Dot products that are not held to the width that was asked for.
  public var unheld: [UnheldLayer] { report.unheld }
  /// What is known to cost quality, or was left undone, in a sentence or two each.
  public var remarks: [String] { conversionRemarks.map(\.text) + unmatched.map(\.text) }
  var conversionRemarks: [Conversion.Remark]
  var unmatched: [UnmatchedName]
  /// What the passes changed before quantization.
  public var edits: [PassReport]
  /// 0 where ranges came from the graph.
  public var calibrationSamples: Int
  public var floatMetric: Evaluation?
  public var quantizedMetric: Evaluation?
  /// `nil` where nothing was trained.
  public var training: TrainingSummary?
  public var seconds: Seconds
  /// The most memory that this process has held.
  public var peakMemoryBytes: Int
  /// Commands that show what came of it.
  public var next: [String]
}

extension ConversionSummary {
  /// The document of `convert --json`, members in a fixed order.
  public var json: JSONValue {
    var members = [
      JSONMember("output", .string(output)), JSONMember("report", report.json),
      JSONMember("layers", .array(layers.map(\.json))),
      JSONMember("not_held", .array(unheld.map(\.json))),
      JSONMember("remarks", .array(conversionRemarks.map(\.json) + unmatched.map(\.json))),
      JSONMember("calibration_samples", JSONValue(calibrationSamples)),
    ]
    if let floatMetric { members.append(JSONMember("metric_float", floatMetric.summaryJSON)) }
    if let quantizedMetric {
      members.append(JSONMember("metric_quantized", quantizedMetric.summaryJSON))
    }
    if let choice { members.append(JSONMember("choice", choice.json)) }
    if let comparison { members.append(JSONMember("comparison", comparison.json)) }
    members.append(JSONMember("seconds", seconds.json))
    if let training { members.append(JSONMember("training", training.json)) }
    members.append(JSONMember("peak_memory_bytes", JSONValue(peakMemoryBytes)))
    members.append(JSONMember("next", .array(next.map { .string($0) })))
    return .object(members)
  }
}

extension ConversionSummary.Seconds {
  mutating func add(_ stages: Conversion.Seconds) {
    self.import += stages.prepare
    calibrate += stages.calibrate
    initialize += stages.integers
    correct += stages.correct
  }

  fileprivate var json: JSONValue {
    [
      "import": .number(`import`), "calibrate": .number(calibrate),
      "initialize": .number(initialize), "correct": .number(correct),
      "finetune": .number(finetune), "export": .number(export), "certify": .number(certify),
      "evaluate": .number(evaluate),
    ]
  }
}

extension TrainingSummary {
  fileprivate var json: JSONValue {
    var members = [
      JSONMember("steps", JSONValue(steps)), JSONMember("epochs", JSONValue(epochs)),
      JSONMember("samples_per_second", .number(samplesPerSecond)),
      JSONMember("step_seconds_median", .number(medianStepSeconds)),
      JSONMember("final_loss", .number(finalLoss)),
      JSONMember("tensor_bytes", JSONValue(arenaByteCount)),
    ]
    if let bestMetric { members.append(JSONMember("best_metric", .number(bestMetric))) }
    if let bestEpoch { members.append(JSONMember("best_epoch", JSONValue(bestEpoch))) }
    if !profile.isEmpty {
      members.append(
        JSONMember(
          "profile_seconds",
          .object(profile.map { JSONMember($0.label, .number($0.seconds)) })))
    }
    return .object(members)
  }
}

extension Conversion.Layer {
  fileprivate var json: JSONValue {
    [
      "name": .string(name), "method": .string(method),
      "relative_error": .number(relativeError),
      "output_error": outputError.map { .number($0) } ?? .null, "repairs": JSONValue(repairs),
      "fell_back_to_a2q": .bool(fellBackToA2Q), "cut_biases": JSONValue(cutBiases),
    ]
  }
}
