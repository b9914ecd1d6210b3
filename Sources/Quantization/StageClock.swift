/// Measures the stages of a job.
package struct StageClock: Sendable {
  private var start = ContinuousClock.now

  package init() {}

  /// Seconds since the last lap, or since the start.
  package mutating func lap() -> Double {
    let now = ContinuousClock.now
    defer { start = now }
    return (now - start) / .seconds(1)
  }
}
