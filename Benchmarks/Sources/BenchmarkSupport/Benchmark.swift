/// Wall-clock times of a piece of work.
package struct Measurement: Sendable {
  package let name: String
  /// Seconds of each run, in ascending order.
  package let seconds: [Double]
  /// Units of work in one run, such as weights.
  package let units: Int

  package var median: Double { seconds[seconds.count / 2] }
  package var best: Double { seconds[0] }

  /// Measures `work` a few times, after one run that doesn't count.
  ///
  /// - Parameter prepare: runs before each run, outside the time.
  package init(
    _ name: String, units: Int, runs: Int = 7, prepare: () -> Void = {}, work: () -> Void
  ) {
    let clock = ContinuousClock()
    prepare()
    work()
    self.name = name
    self.units = units
    seconds = (0..<runs).map { _ in
      prepare()
      let time = clock.measure(work)
      return Double(time.components.seconds) + Double(time.components.attoseconds) * 1e-18
    }.sorted()
  }
}

/// Prints measurements as a table.
package func printTable(_ measurements: [Measurement]) {
  let width = measurements.map(\.name.count).max() ?? 0
  func padded(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(0, width - text.count)) + text
  }
  func fixed(_ value: Double, _ places: Int) -> String {
    var scale = 1.0
    for _ in 0..<places { scale *= 10 }
    let digits = String(Int((value * scale).rounded()))
    let filled = String(repeating: "0", count: max(0, places + 1 - digits.count)) + digits
    return filled.dropLast(places) + "." + filled.suffix(places)
  }
  print(
    "benchmark".padding(to: width), padded("median ms", 10), padded("best ms", 10),
    padded("ns/unit", 8))
  for measurement in measurements {
    print(
      measurement.name.padding(to: width), padded(fixed(measurement.median * 1e3, 1), 10),
      padded(fixed(measurement.best * 1e3, 1), 10),
      padded(fixed(measurement.median / Double(max(measurement.units, 1)) * 1e9, 2), 8))
  }
}

extension String {
  fileprivate func padding(to width: Int) -> String {
    self + String(repeating: " ", count: max(0, width - count))
  }
}
