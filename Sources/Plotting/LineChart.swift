/// One panel of a figure: axes, grid, lines, and a legend above them.
package struct LineChart: Sendable {
  package var title: String
  package var xLabel: String
  package var x: PlotAxis
  package var y: PlotAxis
  package var series: [PlotSeries]
  /// The text in the middle where there is nothing to draw.
  package var emptyText: String
  package var highlight: Highlight?

  /// A point to highlight, and the text for it.
  package struct Highlight: Sendable {
    package var x, y: Double
    package var text: String
    /// Whether the lines tend to lie below the point rather than above it.
    package var isHigh: Bool

    package init(x: Double, y: Double, text: String, isHigh: Bool) {
      self.x = x
      self.y = y
      self.text = text
      self.isHigh = isHigh
    }
  }

  /// A rectangle in pixels.
  package struct Frame: Sendable {
    package var left, top, width, height: Double

    package init(left: Double, top: Double, width: Double, height: Double) {
      self.left = left
      self.top = top
      self.width = width
      self.height = height
    }

    var right: Double { left + width }
    var bottom: Double { top + height }
  }

  package init(
    title: String, xLabel: String, x: PlotAxis, y: PlotAxis, series: [PlotSeries],
    emptyText: String, highlight: Highlight? = nil
  ) {
    self.title = title
    self.xLabel = xLabel
    self.x = x
    self.y = y
    self.series = series
    self.emptyText = emptyText
    self.highlight = highlight
  }

  private static let ink = "#333333"
  private static let grid = "#e4e4e4"
  private static let largestMarkerCount = 60

  /// The panel's SVG elements, with its axes along the frame's left and bottom edges.
  package func svg(in frame: Frame) -> String {
    var parts = [gridLines(frame)]
    parts += series.map { line($0, frame) }
    parts.append(axes(frame))
    if let highlight { parts.append(mark(highlight, frame)) }
    if !series.contains(where: { $0.points.contains { pixel($0, frame) != nil } }) {
      parts.append(
        Self.text(
          emptyText, frame.left + frame.width / 2, frame.top + frame.height / 2, anchor: "middle",
          color: "#777777"))
    }
    parts.append(Self.text(title, frame.left, frame.top - 34, weight: "bold", size: 14))
    parts.append(legend(frame))
    return parts.joined(separator: "\n")
  }

  private func pixel(_ point: (x: Double, y: Double), _ frame: Frame) -> (x: Double, y: Double)? {
    guard let across = x.position(point.x), let up = y.position(point.y) else { return nil }
    return (frame.left + across * frame.width, frame.bottom - up * frame.height)
  }

  private func gridLines(_ frame: Frame) -> String {
    var path = ""
    for tick in x.ticks {
      guard let share = x.position(tick.value) else { continue }
      let at = SVGText.coordinate(frame.left + share * frame.width)
      path += "M\(at) \(SVGText.coordinate(frame.top))V\(SVGText.coordinate(frame.bottom))"
    }
    for tick in y.ticks {
      guard let share = y.position(tick.value) else { continue }
      let at = SVGText.coordinate(frame.bottom - share * frame.height)
      path += "M\(SVGText.coordinate(frame.left)) \(at)H\(SVGText.coordinate(frame.right))"
    }
    return #"<path d="\#(path)" fill="none" stroke="\#(Self.grid)" stroke-width="1"/>"#
  }

  private func axes(_ frame: Frame) -> String {
    let (left, bottom) = (SVGText.coordinate(frame.left), SVGText.coordinate(frame.bottom))
    var path =
      "M\(left) \(SVGText.coordinate(frame.top))V\(bottom)H\(SVGText.coordinate(frame.right))"
    var labels: [String] = []
    for tick in x.ticks {
      guard let share = x.position(tick.value) else { continue }
      let at = frame.left + share * frame.width
      path += "M\(SVGText.coordinate(at)) \(bottom)v4"
      labels.append(Self.text(tick.label ?? "", at, frame.bottom + 18, anchor: "middle"))
    }
    for tick in y.ticks {
      guard let share = y.position(tick.value) else { continue }
      let at = frame.bottom - share * frame.height
      path += "M\(left) \(SVGText.coordinate(at))h-4"
      labels.append(Self.text(tick.label ?? "", frame.left - 8, at + 4, anchor: "end"))
    }
    labels.append(
      Self.text(
        xLabel, frame.left + frame.width / 2, frame.bottom + 40, anchor: "middle", size: 13))
    return
      #"<path d="\#(path)" fill="none" stroke="\#(Self.ink)" stroke-width="1"/>"# + "\n"
      + labels.joined(separator: "\n")
  }

  private func line(_ series: PlotSeries, _ frame: Frame) -> String {
    let (low, high) = x.kind == .logarithmic ? (0, 0) : (x.lower, x.upper)
    let points = series.thinned(columns: Int(frame.width), over: low...high)
    var path = ""
    var isDrawing = false
    var markers: [String] = []
    let hasMarkers =
      points.count == 1 || series.hasMarkers && points.count <= Self.largestMarkerCount
    for point in points {
      // A value that can't be shown breaks the line.
      guard let at = pixel(point, frame) else {
        isDrawing = false
        continue
      }
      let (x, y) = (SVGText.coordinate(at.x), SVGText.coordinate(at.y))
      path += "\(isDrawing ? "L" : "M")\(x) \(y)"
      isDrawing = true
      if hasMarkers {
        markers.append(Self.marker(series, at.x, at.y))
      }
    }
    let line =
      #"<path d="\#(path)" fill="none" stroke-linejoin="round" stroke-linecap="round" "#
      + Self.stroke(series) + "/>"
    return ([line] + bars(series, frame) + markers).joined(separator: "\n")
  }

  /// A marker of a line, of about the same area whatever its shape.
  private static func marker(_ series: PlotSeries, _ x: Double, _ y: Double) -> String {
    func path(_ corners: [(Double, Double)]) -> String {
      let points = corners.map {
        "\(SVGText.coordinate(x + $0.0)) \(SVGText.coordinate(y + $0.1))"
      }
      return #"<path d="M\#(points.joined(separator: "L"))Z" fill="\#(series.color)"/>"#
    }
    return switch series.marker {
    case .circle:
      #"<circle cx="\#(SVGText.coordinate(x))" cy="\#(SVGText.coordinate(y))" r="3" fill="\#(series.color)"/>"#
    case .square: path([(-3, -3), (3, -3), (3, 3), (-3, 3)])
    case .triangle: path([(0, -4.5), (4, 2.5), (-4, 2.5)])
    case .diamond: path([(0, -4.5), (4, 0), (0, 4.5), (-4, 0)])
    }
  }

  /// The bars of a line, with short strokes across their ends.
  private func bars(_ series: PlotSeries, _ frame: Frame) -> [String] {
    let path = series.bars.compactMap { bar -> String? in
      guard let low = pixel((bar.x, bar.low), frame), let high = pixel((bar.x, bar.high), frame)
      else { return nil }
      let (left, right) = (SVGText.coordinate(low.x - 4), SVGText.coordinate(low.x + 4))
      let (bottom, top) = (SVGText.coordinate(low.y), SVGText.coordinate(high.y))
      return
        "M\(SVGText.coordinate(low.x)) \(bottom)V\(top)M\(left) \(bottom)H\(right)M\(left) \(top)H\(right)"
    }.joined()
    return path.isEmpty
      ? [] : [#"<path d="\#(path)" fill="none" stroke="\#(series.color)" stroke-width="1.5"/>"#]
  }

  /// A ring around the point, and its text in the corner that the lines leave free.
  private func mark(_ mark: Highlight, _ frame: Frame) -> String {
    guard let at = pixel((mark.x, mark.y), frame) else { return "" }
    let y = mark.isHigh ? frame.bottom - 14 : frame.top + 18
    let right = frame.right - 10
    return [
      Self.ring(at.x, at.y),
      Self.ring(right - Self.width(of: mark.text) - 14, y - 4),
      Self.text(mark.text, right - Self.width(of: mark.text), y, outline: true),
    ].joined(separator: "\n")
  }

  private static func ring(_ x: Double, _ y: Double) -> String {
    #"<circle cx="\#(SVGText.coordinate(x))" cy="\#(SVGText.coordinate(y))" r="6" fill="none" "#
      + #"stroke="\#(ink)" stroke-width="1.5"/>"#
  }

  /// The names of the lines, from left to right between title and panel.
  private func legend(_ frame: Frame) -> String {
    var parts: [String] = []
    var left = frame.left
    for series in series {
      let line =
        "M\(SVGText.coordinate(left)) \(SVGText.coordinate(frame.top - 16))"
        + "H\(SVGText.coordinate(left + 22))"
      parts.append(#"<path d="\#(line)" fill="none" \#(Self.stroke(series))/>"#)
      if series.hasMarkers { parts.append(Self.marker(series, left + 11, frame.top - 16)) }
      parts.append(Self.text(series.name, left + 29, frame.top - 12))
      left += 29 + Self.width(of: series.name) + 14
    }
    return parts.joined(separator: "\n")
  }

  /// The width that a text of the usual size takes in the widest of the fonts, in pixels.
  private static func width(of text: String) -> Double { Double(text.count) * 7.4 }

  private static func stroke(_ series: PlotSeries) -> String {
    #"stroke="\#(series.color)" stroke-width="\#(SVGText.coordinate(series.width))""#
      + (series.opacity < 1 ? #" stroke-opacity="\#(SVGText.coordinate(series.opacity))""# : "")
      + (series.isDashed ? #" stroke-dasharray="6 4""# : "")
  }

  /// A line of text; outlined in white where it may lie on a line.
  package static func text(
    _ text: String, _ x: Double, _ y: Double, anchor: String = "start", weight: String = "normal",
    size: Int = 12, color: String = ink, outline: Bool = false
  ) -> String {
    #"<text x="\#(SVGText.coordinate(x))" y="\#(SVGText.coordinate(y))" text-anchor="\#(anchor)" "#
      + #"font-size="\#(size)" font-weight="\#(weight)" fill="\#(color)""#
      + (outline
        ? ##" stroke="#ffffff" stroke-width="3" stroke-linejoin="round" paint-order="stroke""##
        : "")
      + ">\(SVGText.escaped(text))</text>"
  }
}
