import CSnug
import Snug

/// The caller's observer, as the jobs know such.
struct Observation: Sendable {
  nonisolated(unsafe) private let observer: snug_observer?
  private let interruption = Interruption()

  init(_ observer: UnsafePointer<snug_observer>?) { self.observer = observer?.pointee }

  var progress: ProgressHandler {
    { progress in
      show(progress.activity, progress.completed, progress.total, progress.unit)
    }
  }

  var training: TrainingObserver {
    TrainingObserver(
      interruption: interruption,
      onStep: { show("training", $0.step, $0.totalSteps, "steps") },
      onNotice: { tell("\($0)") })
  }

  func tell(_ text: String) {
    guard let observer, let message = observer.message else { return }
    text.withCString { message(observer.context, $0) }
  }

  /// Runs a job, which looks where it reads samples whether the caller wishes it to stop.
  func following<T>(_ job: () throws -> T) rethrows -> T {
    try Interruption.$ofTask.withValue(interruption) { try job() }
  }

  private func show(_ activity: String, _ completed: Int, _ total: Int, _ unit: String) {
    guard let observer else { return }
    if let progress = observer.progress {
      activity.withCString { activity in
        unit.withCString { unit in
          progress(observer.context, activity, Int64(completed), Int64(total), unit)
        }
      }
    }
    if let isCancelled = observer.is_cancelled, isCancelled(observer.context) != 0 {
      interruption.request()
    }
  }
}
