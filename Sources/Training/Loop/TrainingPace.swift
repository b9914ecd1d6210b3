/// The time that training steps take.
struct TrainingPace {
  private var seconds: [Double] = []
  private var samples = 0

  mutating func add(_ duration: Duration, samples count: Int) {
    let (whole, attoseconds) = duration.components
    seconds.append(Double(whole) + Double(attoseconds) * 1e-18)
    samples = count
  }

  /// The mean over the latest steps in seconds, since the machine may do other work at times. The first step, which
  /// also compiles the graph, is left out once there are others.
  var meanSeconds: Double {
    let recent = seconds.count > 1 ? seconds.dropFirst().suffix(50) : seconds[...]
    return recent.isEmpty ? 0 : recent.reduce(0, +) / Double(recent.count)
  }

  var samplesPerSecond: Double { meanSeconds > 0 ? Double(samples) / meanSeconds : 0 }

  /// The median over all steps, in seconds.
  var medianSeconds: Double { seconds.isEmpty ? 0 : seconds.sorted()[seconds.count / 2] }
}
