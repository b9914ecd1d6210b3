/// A line in a chart.
package struct PlotSeries: Sendable {
  package var name: String
  package var points: [(x: Double, y: Double)]
  package var color: String
  package var width = 2.0
  package var opacity = 1.0
  package var isDashed = false
  package var hasMarkers = false
  /// What markers look like, so that lines can be told apart without their colours.
  package var marker = Marker.circle
  /// Vertical bars, such as from the least to the greatest of several measurements.
  package var bars: [Bar] = []

  package enum Marker: CaseIterable, Sendable { case circle, square, triangle, diamond }

  package struct Bar: Sendable, Hashable {
    package var x, low, high: Double

    package init(x: Double, low: Double, high: Double) {
      self.x = x
      self.low = low
      self.high = high
    }
  }

  package init(
    name: String, points: [(x: Double, y: Double)], color: String, width: Double = 2,
    opacity: Double = 1, isDashed: Bool = false, hasMarkers: Bool = false, marker: Marker = .circle,
    bars: [Bar] = []
  ) {
    self.name = name
    self.points = points
    self.color = color
    self.width = width
    self.opacity = opacity
    self.isDashed = isDashed
    self.hasMarkers = hasMarkers
    self.marker = marker
    self.bars = bars
  }

  /// The points to draw at a resolution of `columns` over the range of x. Where a column has many points, its first,
  /// least, greatest and last ones are kept, which look the same.
  func thinned(columns: Int, over range: ClosedRange<Double>) -> [(x: Double, y: Double)] {
    let width = range.upperBound - range.lowerBound
    guard points.count > 4 * columns, width > 0 else { return points }
    var result: [(x: Double, y: Double)] = []
    var start = 0
    func column(_ index: Int) -> Int {
      let share = (points[index].x - range.lowerBound) / width
      return Int(max(-1, min(2, share)) * Double(columns))
    }
    while start < points.count {
      var (end, least, greatest) = (start, start, start)
      while end < points.count, column(end) == column(start) {
        // A gap must stay a gap; in these comparisons a value that isn't finite loses.
        if points[end].y < points[least].y || !points[least].y.isFinite { least = end }
        if points[end].y > points[greatest].y || !points[greatest].y.isFinite { greatest = end }
        end += 1
      }
      let kept = Set([start, least, greatest, end - 1]).sorted()
      result.append(contentsOf: kept.map { points[$0] })
      start = end
    }
    return result
  }
}
