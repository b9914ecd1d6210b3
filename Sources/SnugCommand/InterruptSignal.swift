import Glibc
import Snug

/// SIGINT and SIGTERM as a wish to stop: the step that runs is finished and the state saved.
enum InterruptSignal {
  /// Set by the signals once they are caught.
  static let interruption = Interruption()

  /// Catches the signals; a second one ends the process at once, as by default.
  static func catchSignals() -> Interruption {
    let interruption = interruption
    // Programs that are started from a thread with blocked signals begin with these blocked.
    var signals = sigset_t()
    sigemptyset(&signals)
    for number in [SIGINT, SIGTERM] { sigaddset(&signals, number) }
    pthread_sigmask(SIG_UNBLOCK, &signals, nil)
    for number in [SIGINT, SIGTERM] {
      signal(number) { number in
        signal(number, SIG_DFL)
        InterruptSignal.interruption.request()
      }
    }
    return interruption
  }
}
