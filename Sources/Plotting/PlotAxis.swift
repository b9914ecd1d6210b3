import TensorCore

/// The scale of one axis: which values it spans and where its ticks are.
package struct PlotAxis: Sendable {
  package enum Kind: Sendable {
    case linear
    /// A linear scale with ticks at whole numbers only.
    case whole
    case logarithmic
  }

  package struct Tick: Sendable, Hashable {
    package var value: Double
    /// The text at the tick; `nil` for a grid line without one.
    package var label: String?
  }

  package let kind: Kind
  package let lower: Double
  package let upper: Double
  package let ticks: [Tick]

  /// The largest magnitude that is shown; the span of two larger numbers could overflow.
  private static let limit = 1e300

  /// An axis around finite values.
  ///
  /// - Parameters:
  ///   - logarithmicWherePossible: whether positive values that span more than a factor of 10 get a
  ///     logarithmic scale.
  ///   - padding: the fraction of the span that is added at both ends.
  package init(
    _ values: [Double], kind: Kind = .linear, logarithmicWherePossible: Bool = false,
    padding: Double = 0.05, tickCount: Int = 6
  ) {
    let least = values.min() ?? 0
    let most = values.max() ?? 1
    let isLogarithmic =
      logarithmicWherePossible && least > 0 && most / least > 10 && (most / least).isFinite
    if isLogarithmic {
      let (low, high) = (log10(least), log10(most))
      let margin = (high - low) * padding
      self.kind = .logarithmic
      (lower, upper) = (low - margin, high + margin)
      ticks = Self.logarithmicTicks(lower, upper)
      return
    }
    var (low, high) = (max(least, -Self.limit), min(most, Self.limit))
    if !(high - low > (low.magnitude + high.magnitude) * 1e-9) {
      let room = max(low.magnitude * 0.1, kind == .whole ? 1 : 1e-9)
      (low, high) = (low - room, high + room)
    }
    let margin = (high - low) * padding
    self.kind = kind
    (lower, upper) = (low - margin, high + margin)
    ticks = Self.linearTicks(lower, upper, count: tickCount, whole: kind == .whole)
  }

  /// The position of a value, 0 at the lower end and 1 at the upper; `nil` where it can't be shown.
  package func position(_ value: Double) -> Double? {
    guard value.magnitude <= Self.limit else { return nil }
    let scaled = kind == .logarithmic ? log10(value) : value
    return scaled.isFinite ? (scaled - lower) / (upper - lower) : nil
  }

  /// Ticks at multiples of 1, 2 or 5 times a power of ten.
  private static func linearTicks(
    _ lower: Double, _ upper: Double, count: Int, whole: Bool
  ) -> [Tick] {
    let rough = (upper - lower) / Double(count)
    let magnitude = pow(10, floor(log10(rough)))
    let multiple = [1.0, 2, 5].first { $0 * magnitude >= rough } ?? 10
    let step = whole ? max(1, multiple * magnitude) : multiple * magnitude
    guard step.isNormal, step < 1e290 else { return [] }
    let first = (lower / step).rounded(.up)
    let last = (upper / step).rounded(.down)
    guard last >= first, last - first < 100 else { return [] }
    let values = stride(from: first, through: last, by: 1).map { $0 * step }
    let largest = values.map(\.magnitude).max() ?? 0
    return values.map { Tick(value: $0, label: label($0, step: step, largest: largest)) }
  }

  private static func label(_ value: Double, step: Double, largest: Double) -> String {
    let unit = largest >= 1e7 && step >= 1e5 ? (1e6, "M") : largest >= 1e4 ? (1e3, "k") : (1, "")
    let places = max(0, -Int(floor(log10(step / unit.0) + 1e-9)))
    guard largest < 1e10, places <= 6 else { return "\(Float(value))" }
    return SVGText.decimal(value / unit.0, places: places) + (value == 0 ? "" : unit.1)
  }

  /// Ticks at powers of ten: over a few decades with 2 and 5 times these, over many only at every second or fewer.
  private static func logarithmicTicks(_ lower: Double, _ upper: Double) -> [Tick] {
    let decades = upper - lower
    let stride = max(1, Int((decades / 7).rounded(.up)))
    var ticks: [Tick] = []
    for exponent in Int(floor(lower))...Int(ceil(upper)) {
      for multiple in [1.0, 2, 5] {
        let logarithm = Double(exponent) + log10(multiple)
        guard logarithm >= lower, logarithm <= upper else { continue }
        let isLabelled = multiple == 1 ? exponent.isMultiple(of: stride) : decades < 2.5
        guard isLabelled || (multiple == 1 && stride == 1) else { continue }
        ticks.append(
          Tick(value: multiple * pow(10, Double(exponent)), label: label(multiple, exponent)))
      }
    }
    return ticks
  }

  private static func label(_ multiple: Double, _ exponent: Int) -> String {
    guard (-4...4).contains(exponent) else {
      return multiple == 1
        ? SVGText.powerOfTen(exponent)
        : "\(Int(multiple))·\(SVGText.powerOfTen(exponent))"
    }
    return SVGText.decimal(multiple * pow(10, Double(exponent)), places: max(0, -exponent))
  }
}
