import Plotting
import TensorCore

/// The figure of `--plot`: the loss over the steps and, beside it, the validation metric over the epochs, as a
/// self-contained SVG file, without scripts or fonts. The colours are those of Okabe and Ito (2008), which
/// colour-blind readers can tell apart.
package struct TrainingPlot: Sendable {
  /// The heading of the figure.
  package var title: String
  /// Every row of the training, in order.
  package var records: [TrainingRecord]
  /// What ``TrainingRecord/validation`` measures, such as `top-1 accuracy`.
  package var metricName: String
  package var direction: MetricDirection
  /// The metric of the float model, drawn as a line to compare with.
  package var floatMetric: Double?

  package init(
    title: String, records: [TrainingRecord], metricName: String, direction: MetricDirection,
    floatMetric: Double? = nil
  ) {
    self.title = title
    self.records = records
    self.metricName = metricName
    self.direction = direction
    self.floatMetric = floatMetric
  }

  private static let (width, height) = (900.0, 420.0)
  private enum Color {
    static let skyBlue = "#56B4E9"
    static let blue = "#0072B2"
    static let vermilion = "#D55E00"
    static let gray = "#666666"
  }

  /// Writes the figure; whatever was at the path stays until it is complete.
  ///
  /// - Throws: `FileError` where the file can't be written.
  package func write(to path: String) throws(FileError) {
    try AtomicFile.write(Array(svg().utf8), to: path)
  }

  /// The figure, 900 x 420 pixels; without validation the loss takes the whole width.
  package func svg() -> String {
    let validated = records.filter { $0.validation != nil }
    let top = 98.0
    let bottom = Self.height - 58
    var parts: [String] = []
    let left = 64.0
    let room = validated.isEmpty ? Self.width : Self.width / 2
    parts.append(
      lossChart().svg(
        in: .init(left: left, top: top, width: room - left - 22, height: bottom - top)))
    if !validated.isEmpty {
      parts.append(
        metricChart(validated).svg(
          in: .init(left: room + left, top: top, width: room - left - 22, height: bottom - top)))
    }
    let size = "\(SVGText.coordinate(Self.width)) \(SVGText.coordinate(Self.height))"
    // The `title` element holds the whole title.
    let visible = title.count > 90 ? "\(title.prefix(89))…" : title
    let heading = LineChart.text(
      visible, Self.width / 2, 30, anchor: "middle", weight: "bold", size: 16)
    return """
      <svg xmlns="http://www.w3.org/2000/svg" width="900" height="420" viewBox="0 0 \(size)" \
      role="img" font-family="Helvetica, Arial, 'DejaVu Sans', sans-serif">
      <title>\(SVGText.escaped(title))</title>
      <desc>\(SVGText.escaped(summary(validated)))</desc>
      <rect width="100%" height="100%" fill="#ffffff"/>
      \(heading)
      \(parts.joined(separator: "\n"))
      </svg>

      """
  }

  private func lossChart() -> LineChart {
    // Smoothed over about a sixtieth of the rows, so that noise fades but the course stays, however long the
    // training.
    var smoothing = ExponentialSmoothing(kept: 1 - 1 / max(8, Double(records.count) / 60))
    var smoothed: [(x: Double, y: Double)] = []
    for record in records {
      guard let value = smoothing.observe(record.loss) else { continue }
      smoothed.append((Double(record.step), value))
    }
    let raw = records.map { (x: Double($0.step), y: $0.loss) }
    let lines = [
      PlotSeries(
        name: "as logged", points: raw, color: Color.skyBlue, width: 1, opacity: 0.75),
      PlotSeries(name: "smoothed", points: smoothed, color: Color.blue),
    ]
    return LineChart(
      title: "Training loss", xLabel: "Optimizer step",
      x: PlotAxis(raw.map(\.x), kind: .whole, padding: 0.02),
      y: PlotAxis(raw.map(\.y).filter(\.isFinite), logarithmicWherePossible: true),
      series: lines, emptyText: records.isEmpty ? "no steps yet" : "no finite loss")
  }

  private func metricChart(_ validated: [TrainingRecord]) -> LineChart {
    let points = validated.map { (x: $0.epoch, y: $0.validation ?? .nan) }
    let axis = PlotAxis(points.map(\.x).filter(\.isFinite), kind: .whole, padding: 0.04)
    var values = points.map(\.y).filter(\.isFinite)
    var lines = [
      PlotSeries(name: "validation", points: points, color: Color.vermilion, hasMarkers: true)
    ]
    if let floatMetric, floatMetric.isFinite {
      values.append(floatMetric)
      lines.append(
        PlotSeries(
          name: "float model", points: [(axis.lower, floatMetric), (axis.upper, floatMetric)],
          color: Color.gray, width: 1.5, isDashed: true))
    }
    return LineChart(
      title: metricName, xLabel: "Epoch", x: axis, y: PlotAxis(values, padding: 0.08),
      series: lines, emptyText: "no finite value", highlight: best(points))
  }

  /// The best point, and the text for it.
  private func best(_ points: [(x: Double, y: Double)]) -> LineChart.Highlight? {
    var best: (x: Double, y: Double)?
    for point in points where point.x.isFinite && point.y.isFinite {
      if best.map({ direction.isBetter(point.y, than: $0.y) }) ?? true { best = point }
    }
    guard let best else { return nil }
    return LineChart.Highlight(
      x: best.x, y: best.y, text: "best \(Self.short(best.y)), epoch \(Self.short(best.x))",
      isHigh: direction == .higherIsBetter)
  }

  /// A description for readers who can't see the figure.
  private func summary(_ validated: [TrainingRecord]) -> String {
    guard let last = records.last else { return "No steps yet." }
    let loss = "Training loss over \(last.step) steps, at the end \(Self.short(last.loss))."
    guard let best = best(validated.map { ($0.epoch, $0.validation ?? .nan) }) else { return loss }
    return "\(loss) \(metricName) over epochs: \(best.text)."
  }

  /// A number with about four significant digits.
  private static func short(_ value: Double) -> String {
    guard value.isFinite, value != 0 else { return value == 0 ? "0" : "not finite" }
    let places =
      value.magnitude >= 1000 ? 0 : value.magnitude >= 100 ? 1 : value.magnitude >= 10 ? 2 : 4
    return value.magnitude < 1e-3 ? "\(Float(value))" : SVGText.coordinate(value, places: places)
  }
}
