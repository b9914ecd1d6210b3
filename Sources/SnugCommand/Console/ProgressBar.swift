import Snug

/// The text of one progress bar over time: `calibrating [#####-----] 512/1000 samples, 430/s, 2 s left`.
struct ProgressBar {
  let activity: String
  let start: ContinuousClock.Instant
  private var lastDrawn: ContinuousClock.Instant?

  /// Jobs that end sooner show nothing.
  static let delay = Duration.seconds(1)
  static let interval = Duration.milliseconds(100)
  private static let barWidth = 24

  init(activity: String, start: ContinuousClock.Instant) {
    self.activity = activity
    self.start = start
  }

  /// The line to draw now, `nil` when it is too early for one.
  mutating func line(for progress: JobProgress, at now: ContinuousClock.Instant, columns: Int)
    -> String?
  {
    guard now - start >= Self.delay, lastDrawn.map({ now - $0 >= Self.interval }) ?? true
    else { return nil }
    lastDrawn = now
    let total = max(progress.total, 1)
    let completed = min(max(progress.completed, 0), total)
    let filled = Int(Double(Self.barWidth) * Double(completed) / Double(total))
    let bar =
      String(repeating: "#", count: filled)
      + String(repeating: "-", count: Self.barWidth - filled)
    var line = "\(activity) [\(bar)] \(completed)/\(total) \(progress.unit)"
    let elapsed = (now - start).inSeconds
    if completed > 0, elapsed > 0 {
      let rate = Double(completed) / elapsed
      line += ", \(rate.formatted(digits: rate < 10 ? 1 : 0))/s"
      line += ", \(Self.remaining(seconds: Double(total - completed) / rate)) left"
    }
    return String(line.prefix(max(columns - 1, 1)))
  }

  /// A duration in words.
  static func remaining(seconds: Double) -> String {
    guard seconds < 360_000 else { return "days" }
    let seconds = Int(seconds.rounded(.up))
    if seconds < 60 { return "\(seconds) s" }
    if seconds < 3600 { return "\(seconds / 60) min \(seconds % 60) s" }
    return "\(seconds / 3600) h \(seconds % 3600 / 60) min"
  }
}
