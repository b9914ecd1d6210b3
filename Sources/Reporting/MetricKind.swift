/// What a metric of models is called, and which way is better.
public struct MetricKind: Sendable, Hashable {
  /// The name in JSON, such as `top1`.
  public var name: String
  /// What figures call it, with its unit.
  public var title: String
  /// What stands behind its values; empty for a number without a unit.
  public var unit: String
  public var higherIsBetter: Bool
  /// Whether a value is itself what is lost against the float model, whose own is 0.
  public var isLoss: Bool

  public init(
    name: String, title: String, unit: String, higherIsBetter: Bool, isLoss: Bool = false
  ) {
    self.name = name
    self.title = title
    self.unit = unit
    self.higherIsBetter = higherIsBetter
    self.isLoss = isLoss
  }

  /// Noise against the float model's outputs: the mean over channels of its part in their power, of the output that has most,
  /// on the half of the samples that has more.
  public static let outputNoise = MetricKind(
    name: "output_noise", title: "Noise in the outputs (% of their power)",
    unit: "% of the outputs' power", higherIsBetter: false, isLoss: true)

  /// How much worse `value` is than that of the float model: in points or dB where higher is better, else in per cent of
  /// the float model's. Rounded at the ninth place, since differences of decimals come out a little beside them.
  public func loss(of value: Double, from float: Double) -> Double {
    if isLoss { return (value * 1e9).rounded() / 1e9 }
    if !higherIsBetter, float <= 0 { return value > float ? .infinity : 0 }
    let loss = higherIsBetter ? float - value : (value - float) / float * 100
    return (loss * 1e9).rounded() / 1e9
  }

  /// The unit of ``loss(of:from:)``.
  public var lossUnit: String {
    if isLoss { return unit }
    return higherIsBetter ? (unit == "%" ? "points" : unit) : "%"
  }
}
