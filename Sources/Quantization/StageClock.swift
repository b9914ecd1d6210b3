/// Measures the stages of a job.
public struct StageClock: Sendable {
  private var start = ContinuousClock.now

  public init() {}

  /// Seconds since the last lap, or since the start.
  public mutating func lap() -> Double {
    let now = ContinuousClock.now
    defer { start = now }
    return (now - start) / .seconds(1)
  }
}
