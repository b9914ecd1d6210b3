import Plotting

/// The figure of a sweep: the metric against the accumulator's width, a panel for each pair of widths of weights and
/// activations, a line for each method. The colours are those of Okabe and Ito (2008), which colour-blind readers can
/// tell apart; markers of different shapes do without colours.
struct SweepFigure {
  let result: SweepResult

  /// A panel's measured settings, and where they stand in the figure.
  struct Marker {
    var summary: SweepSummary
    var x, y: Double
  }

  private enum Size {
    static let (panelWidth, panelHeight) = (640.0, 340.0)
    static let (left, right, top, bottom) = (64.0, 22.0, 98.0, 58.0)
    static let heading = 46.0
  }

  private static let palette = ["#0072B2", "#D55E00", "#009E73", "#CC79A7"]
  private static let gray = "#666666"
  private static let light = "#F0E442"

  /// A pair of widths.
  private struct Widths: Hashable {
    var weight, activation: Int
  }

  private var panels: [Widths] {
    var seen: Set<Widths> = []
    return result.summaries.map {
      Widths(weight: $0.setting.weightBits, activation: $0.setting.activationBits)
    }
    .filter { seen.insert($0).inserted }
    .sorted { ($0.weight, $0.activation) < ($1.weight, $1.activation) }
  }

  private var methods: [String] {
    var seen: Set<String> = []
    return result.summaries.map(\.setting.method).filter { seen.insert($0).inserted }.sorted()
  }

  private var columns: Int { min(max(panels.count, 1), 2) }
  private var width: Double { Size.panelWidth * Double(columns) }
  private var height: Double {
    Size.heading + Size.panelHeight * Double((max(panels.count, 1) + columns - 1) / columns)
  }

  private var x: PlotAxis {
    PlotAxis(
      result.summaries.compactMap { $0.setting.accumulatorBits.map(Double.init) }, kind: .whole,
      padding: 0.04)
  }

  private var y: PlotAxis {
    let values = result.summaries.flatMap { summary in
      let spread = summary.deviation ?? 0
      return [summary.mean - spread, summary.mean + spread]
    }
    return PlotAxis(
      (values + [result.floatValue]).filter(\.isFinite),
      logarithmicWherePossible: !result.metric.higherIsBetter, padding: 0.06)
  }

  private func frame(_ index: Int) -> LineChart.Frame {
    let (row, column) = (Double(index / columns), Double(index % columns))
    return LineChart.Frame(
      left: column * Size.panelWidth + Size.left,
      top: Size.heading + row * Size.panelHeight + Size.top - Size.heading,
      width: Size.panelWidth - Size.left - Size.right,
      height: Size.panelHeight - Size.top - Size.bottom + Size.heading)
  }

  /// The figure as an SVG document of its own.
  var svg: String { document(extra: "") }

  /// The figure with `extra` elements on top.
  func document(extra: String) -> String {
    let title =
      "\(result.model): \(result.metric.title) against the width of the accumulator"
    let visible = title.count > 90 ? "\(title.prefix(89))…" : title
    let (w, h) = (SVGText.coordinate(width), SVGText.coordinate(height))
    let parts = panels.enumerated().map { chart($1).svg(in: frame($0)) }
    return """
      <svg xmlns="http://www.w3.org/2000/svg" width="\(w)" height="\(h)" viewBox="0 0 \(w) \(h)" \
      role="img" font-family="Helvetica, Arial, 'DejaVu Sans', sans-serif">
      <title>\(SVGText.escaped(title))</title>
      <desc>\(SVGText.escaped(description))</desc>
      <rect width="100%" height="100%" fill="#ffffff"/>
      \(LineChart.text(visible, width / 2, 28, anchor: "middle", weight: "bold", size: columns > 1 ? 16 : 13))
      \(parts.joined(separator: "\n"))\(extra.isEmpty ? "" : "\n" + extra)
      </svg>

      """
  }

  /// Every measured setting with a width, and the middle of its marker.
  var markers: [Marker] {
    let (across, up) = (x, y)
    return panels.enumerated().flatMap { (index, widths) -> [Marker] in
      let frame = frame(index)
      return summaries(widths).compactMap { (summary) -> Marker? in
        guard let bits = summary.setting.accumulatorBits, let x = across.position(Double(bits)),
          let y = up.position(summary.mean)
        else { return nil }
        return Marker(
          summary: summary, x: frame.left + x * frame.width,
          y: frame.top + (1 - y) * frame.height)
      }
    }
  }

  private func summaries(_ widths: Widths) -> [SweepSummary] {
    result.summaries.filter {
      $0.setting.weightBits == widths.weight && $0.setting.activationBits == widths.activation
    }
  }

  private func chart(_ widths: Widths) -> LineChart {
    let axis = x
    let own = summaries(widths)
    // Behind the lines: what the best of all settings reaches.
    var series = [
      PlotSeries(
        name: "best of all", points: result.frontier.map { (Double($0.bits), $0.value) },
        color: Self.light, width: 7, opacity: 0.6)
    ]
    for (index, method) in methods.enumerated() {
      let found = own.filter { $0.setting.method == method }
      let color = Self.palette[index % Self.palette.count]
      let constrained = found.filter { $0.setting.accumulatorBits != nil }
      if !constrained.isEmpty {
        series.append(
          PlotSeries(
            name: method,
            points: constrained.map { (Double($0.setting.accumulatorBits ?? 0), $0.mean) },
            color: color, hasMarkers: true,
            marker: PlotSeries.Marker.allCases[index % PlotSeries.Marker.allCases.count],
            bars: constrained.compactMap { summary in
              summary.deviation.map {
                PlotSeries.Bar(
                  x: Double(summary.setting.accumulatorBits ?? 0), low: summary.mean - $0,
                  high: summary.mean + $0)
              }
            }))
      }
      if let free = found.first(where: { $0.setting.accumulatorBits == nil }) {
        series.append(
          PlotSeries(
            name: method, points: [(axis.lower, free.mean), (axis.upper, free.mean)],
            color: color, isDashed: true))
      }
    }
    series.append(
      PlotSeries(
        name: "float", points: [(axis.lower, result.floatValue), (axis.upper, result.floatValue)],
        color: Self.gray, width: 1.5, isDashed: true))
    return LineChart(
      title: "W\(widths.weight)A\(widths.activation)", xLabel: "Accumulator width P, in bits",
      x: axis, y: y, series: series, emptyText: "nothing measured")
  }

  /// A description for readers who can't see the figure.
  private var description: String {
    let measured = result.summaries.count
    let bars =
      result.summaries.contains { $0.deviation != nil }
      ? " Bars reach one standard deviation over seeds to each side." : ""
    let best = result.frontier.map { "P = \($0.bits): \(SweepText.number($0.value))" }
    return "\(measured) settings. Float model: \(SweepText.number(result.floatValue)).\(bars) "
      + "Best of all at most so wide: \(best.joined(separator: ", "))."
  }
}
