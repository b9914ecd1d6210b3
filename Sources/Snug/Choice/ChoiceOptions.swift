import Quantization

/// How `convert --max-loss` finds the widths of each layer.
public struct ChoiceOptions: Sendable {
  /// Everything else of the conversion. Its recipe's widths of weights, activations and accumulators are the most that a
  /// layer gets; layers that an override gives a width of their own keep it.
  public var conversion = ConversionOptions()
  /// The largest loss against the float model: points of accuracy, dB, or per cent of another metric; without labels, per
  /// cent of the power of the outputs' channels, the mean over those of the output that loses most.
  public var maxLoss: Double?
  /// What the widths shall cost as little of as they can.
  public var minimize = CostMeasure.accumulatorBits
  /// Samples that losses are measured on, drawn at random. One half leads the search, the other one checks its result.
  public var samples = 2000

  public init() {}
}

/// What `convert` calls choice options.
package enum ChoiceSettings: SettingTable {
  package static let settings: [Setting<ChoiceOptions>] = [
    Setting(
      "max-loss", \.maxLoss, .number(.nonnegative),
      "Find the widths of each layer: the cheapest that lose no more than this against the float model, in points of accuracy, dB, or per cent of another metric, and without labels in per cent of the outputs' power. --weight-bits, --activation-bits and --accumulator-bits are then the most that a layer gets",
      placeholder: "loss", defaultText: "all layers get the given widths"),
    Setting(
      "minimize", \.minimize, .text { try CostMeasure($0) }, fallback: .accumulatorBits,
      "What --max-loss makes small: accumulator-bits, bit-operations, luts, weight-bytes, or a table of the hardware's own, a CSV file with the columns weight-bits, activation-bits, accumulator-bits and cost (of one product)",
      placeholder: "cost|file.csv", defaultText: "accumulator-bits"),
    Setting(
      "loss-samples", \.samples, .integer(2...Int(Int32.max)), fallback: 2000,
      "Samples of --validation, or else of --data, that --max-loss measures on; one half leads, the other one checks",
      placeholder: "count"),
  ]
}
