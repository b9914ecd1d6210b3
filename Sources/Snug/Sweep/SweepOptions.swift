import Quantization

/// Which conversions of a model a sweep compares.
public struct SweepOptions: Sendable {
  /// Everything that all conversions have in common.
  public var conversion = ConversionOptions()
  /// The recipe file that ``conversion`` was read from; only named in the commands of the result.
  public var recipeFile: String?
  /// The values of P.
  public var accumulatorBits: [Int] = []
  /// The values of M; empty for that of ``conversion``.
  public var weightBits: [Int] = []
  /// The values of N; empty for that of ``conversion``.
  public var activationBits: [Int] = []
  /// Whether the first of ``weightBits`` goes with the first of ``activationBits`` alone, and so on, rather than each
  /// with each.
  public var isPaired = false
  /// Empty for that of ``conversion``.
  public var methods: [Recipe.Method] = []
  /// How often each setting is converted, each time with the next seed.
  public var seeds = 1
  /// Samples that the metric is measured on, drawn at random; `nil` for all.
  public var limit: Int?
  /// Conversions at the same time.
  public var jobs = 1
  /// The largest loss against the float model for which the cheapest setting is written; `nil` for none.
  public var recommend: Double?

  public init() {}

  /// Every conversion of the sweep, in the order in which they are made.
  public var points: [SweepPoint] {
    let recipe = conversion.recipe
    func given<T>(_ values: [T], else value: T) -> [T] { values.isEmpty ? [value] : values }
    let (weights, activations) = (
      given(weightBits, else: recipe.weightBits), given(activationBits, else: recipe.activationBits)
    )
    let widths =
      isPaired
      ? Array(zip(weights, activations))
      : weights.flatMap { weight in activations.map { (weight, $0) } }
    var points: [SweepPoint] = []
    var seen: Set<SweepPoint> = []
    for seed in 0..<max(seeds, 1) {
      for (weightBits, activationBits) in widths {
        for method in given(methods, else: recipe.method) {
          for bits in given(accumulatorBits, else: recipe.accumulatorBits) {
            let point = SweepPoint(
              SweepPoint.Setting(
                method: method.rawValue, weightBits: weightBits, activationBits: activationBits,
                accumulatorBits: method == .unconstrained ? nil : bits),
              seed: conversion.seed + seed)
            if seen.insert(point).inserted { points.append(point) }
          }
        }
      }
    }
    return points
  }

  /// The options of one conversion.
  func options(for point: SweepPoint) -> ConversionOptions {
    var options = conversion
    options.seed = point.seed
    if let method = Recipe.Method(rawValue: point.setting.method) { options.recipe.method = method }
    options.recipe.weightBits = point.setting.weightBits
    options.recipe.activationBits = point.setting.activationBits
    if let bits = point.setting.accumulatorBits { options.recipe.accumulatorBits = bits }
    return options
  }
}

/// What `sweep` calls sweep options.
package enum SweepSettings: SettingTable {
  package static let settings: [Setting<SweepOptions>] = [
    Setting(
      "accumulator-bits", \.accumulatorBits, .widths(2...32), fallback: [],
      "Signed accumulator widths of the hidden layers", placeholder: "a...b",
      defaultText: "must be given"),
    Setting(
      "method", \.methods, .choices(), fallback: [],
      "Methods, separated by commas; unconstrained is a baseline of one point for all widths",
      placeholder: "list", defaultText: "exact"),
    Setting(
      "weight-bits", \.weightBits, .widths(2...8), fallback: [],
      "Weight bits of the hidden layers, such as 4,8", placeholder: "list", defaultText: "4"),
    Setting(
      "activation-bits", \.activationBits, .widths(1...8), fallback: [],
      "Input-activation bits of the hidden layers, such as 4,8", placeholder: "list",
      defaultText: "4"),
    Setting(
      "paired", \.isPaired, .yesNo, fallback: false,
      "Take the first of --weight-bits with the first of --activation-bits alone, and so on, rather than each with each"
    ),
    Setting(
      "seeds", \.seeds, .integer(1...1000), fallback: 1,
      "How often each setting is converted, each time with the next seed, for error bars",
      placeholder: "count"),
    Setting(
      "limit", \.limit, .integer(1...Int(Int32.max)),
      "Samples to measure the metric on, drawn at random, the same for all", placeholder: "count",
      defaultText: "all"),
    Setting(
      "jobs", \.jobs, .integer(1...64), fallback: 1,
      "Conversions at the same time, which share the threads", placeholder: "count"),
    Setting(
      "recommend", \.recommend, .number(.nonnegative),
      "Write the cheapest setting that loses no more than this against the float model: points of accuracy, dB, or per cent of another metric, and without labels per cent of the outputs' power",
      placeholder: "loss", defaultText: "none"),
  ]
}

/// What `sweep` calls quantization options: those of `convert` that are not the sweep's own.
package enum SweptConversionSettings: SettingTable {
  package static let settings: [Setting<ConversionOptions>] = {
    let swept = Set(SweepSettings.settings.map(\.name))
    return QuantizationSettings.settings.filter { !swept.contains($0.name) }
  }()
}
