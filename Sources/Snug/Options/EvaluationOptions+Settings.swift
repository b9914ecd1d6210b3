import Quantization

extension EvaluationOptions: SettingTable {
  /// What `evaluate` measures on.
  package static let settings: [Setting<EvaluationOptions>] = [
    Setting(
      "batch-size", \.batchSize, .integer(1...65536),
      "Samples computed at once, where the model leaves its batch open", placeholder: "count",
      defaultText:
        "as many as the caches hold, \(batchSizes.lowerBound) to \(batchSizes.upperBound)"),
    Setting(
      "limit", \.limit, .integer(1...Int(Int32.max)), "Samples to stop after",
      placeholder: "count", defaultText: "all"),
  ]
}
