/// A setting of a sweep over all its seeds.
public struct SweepSummary: Sendable, Hashable {
  public var setting: SweepPoint.Setting
  /// The metric of each seed, in their order.
  public var values: [Double]
  /// Whether a seed of it was refused.
  public var isIncomplete: Bool

  public var mean: Double { values.reduce(0, +) / Double(max(values.count, 1)) }

  /// The standard deviation between seeds; `nil` for a single one.
  public var deviation: Double? {
    guard values.count > 1 else { return nil }
    let mean = mean
    let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    return (squares / Double(values.count - 1)).squareRoot()
  }
}

/// The cheapest setting whose loss is within a limit.
public struct SweepRecommendation: Sendable, Hashable {
  public var setting: SweepPoint.Setting
  public var seed: Int
  /// The largest loss that was asked for.
  public var limit: Double
  /// Of the setting, the mean over seeds.
  public var value: Double
  public var loss: Double
  /// The name of the file in the sweep's folder.
  public var output: String
  /// What makes it again, under the same name in the folder where it is run.
  public var command: String

  public init(
    _ summary: SweepSummary, seed: Int, limit: Double, loss: Double, output: String,
    command: String
  ) {
    setting = summary.setting
    self.seed = seed
    self.limit = limit
    value = summary.mean
    self.loss = loss
    self.output = output
    self.command = command
  }
}

extension SweepResult {
  /// Every setting with at least one measurement, in the order of the rows.
  public var summaries: [SweepSummary] {
    var order: [SweepPoint.Setting] = []
    var rowsOf: [SweepPoint.Setting: [SweepRow]] = [:]
    for row in rows {
      if rowsOf[row.point.setting] == nil { order.append(row.point.setting) }
      rowsOf[row.point.setting, default: []].append(row)
    }
    return order.compactMap { setting in
      let own = rowsOf[setting] ?? []
      let values = own.compactMap(\.measurement?.value)
      return values.isEmpty
        ? nil
        : SweepSummary(setting: setting, values: values, isIncomplete: values.count < own.count)
    }
  }

  /// The cheapest setting that loses at most `limit` against the float model in the mean over its seeds.
  ///
  /// Cheapest is the narrowest accumulator; among these the fewest bit operations a product, M x N; then the least loss.
  /// A method that constrains no accumulator, a setting with a refused seed, and one that leaves layers unheld are not
  /// recommended.
  public func cheapest(within limit: Double) -> SweepSummary? {
    let unheld = Set(
      rows.filter { ($0.measurement?.unheldLayers ?? 0) > 0 }.map(\.point.setting))
    func cost(_ summary: SweepSummary) -> (Int, Int, Double) {
      let setting = summary.setting
      return (
        setting.accumulatorBits ?? .max, setting.weightBits * setting.activationBits,
        metric.loss(of: summary.mean, from: floatValue)
      )
    }
    return summaries.filter {
      $0.setting.accumulatorBits != nil && !$0.isIncomplete && !unheld.contains($0.setting)
        && metric.loss(of: $0.mean, from: floatValue) <= limit
    }
    .min { cost($0) < cost($1) }
  }

  /// The best mean that any width up to each one reaches, over all settings: no method is better at that width or below.
  public var frontier: [(bits: Int, value: Double)] {
    var best: [(bits: Int, value: Double)] = []
    let widths = Set(summaries.compactMap(\.setting.accumulatorBits)).sorted()
    for bits in widths {
      let values = summaries.filter { $0.setting.accumulatorBits ?? .max <= bits }.map(\.mean)
      guard let value = metric.higherIsBetter ? values.max() : values.min() else { continue }
      best.append((bits, value))
    }
    return best
  }
}
