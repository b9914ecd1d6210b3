import Snug
import Synchronization

/// Everything that reaches standard error: log lines and, on a terminal, one progress bar below them.
final class Console: Sendable {
  static let shared = Console()

  private struct State {
    var bar: ProgressBar?
    /// Whether the bar stands on the terminal's last line.
    var isDrawn = false
    var showsProgress = StandardStream.error.isTerminal
    var isQuiet = false
    /// When the line of a training was last written.
    var trainingShown: ContinuousClock.Instant?
  }

  private let state = Mutex(State())

  private init() {}

  /// Writes one line, above the progress bar where there is one.
  func writeLine(_ line: String) {
    state.withLock { state in
      let erase = Self.erase(&state)
      StandardStream.error.write("\(erase)\(line)\n")
    }
  }

  /// Draws the progress of a job that has lasted for more than a second; ends its bar when complete.
  func show(_ progress: JobProgress) {
    state.withLock { state in
      guard state.showsProgress else { return }
      let now = ContinuousClock.now
      if state.bar?.activity != progress.activity {
        state.bar = ProgressBar(activity: progress.activity, start: now)
      }
      if progress.completed >= progress.total {
        state.bar = nil
        let erase = Self.erase(&state)
        if !erase.isEmpty { StandardStream.error.write(erase) }
      } else if let line = state.bar?.line(
        for: progress, at: now, columns: StandardStream.error.columns)
      {
        StandardStream.error.write("\r\(line)\u{1B}[K")
        state.isDrawn = true
      }
    }
  }

  /// Shows how far a training has come: a live line on a terminal, elsewhere a line each half minute and
  /// at the end.
  func show(_ progress: TrainingProgress) {
    state.withLock { state in
      let now = ContinuousClock.now
      let isLast = progress.step == progress.totalSteps
      if state.showsProgress {
        guard isLast || now - (state.trainingShown ?? now - .seconds(1)) >= ProgressBar.interval
        else { return }
        state.trainingShown = now
        let line = String(progress.text.prefix(max(StandardStream.error.columns - 1, 1)))
        StandardStream.error.write("\r\(line)\u{1B}[K" + (isLast ? "\n" : ""))
        state.isDrawn = !isLast
      } else if !state.isQuiet {
        guard isLast || now - (state.trainingShown ?? now - .seconds(31)) >= .seconds(30) else {
          return
        }
        state.trainingShown = now
        StandardStream.error.write(progress.text + "\n")
      }
    }
  }

  /// Removes a bar that a failure left behind.
  func endProgress() {
    state.withLock { state in
      state.bar = nil
      let erase = Self.erase(&state)
      if !erase.isEmpty { StandardStream.error.write(erase) }
    }
  }

  func hideProgress() {
    state.withLock {
      $0.showsProgress = false
      $0.isQuiet = true
    }
  }

  private static func erase(_ state: inout State) -> String {
    defer { state.isDrawn = false }
    return state.isDrawn ? "\r\u{1B}[K" : ""
  }
}
