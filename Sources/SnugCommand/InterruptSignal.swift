import Snug

/// SIGINT and SIGTERM as a wish to stop: the step that runs is finished and the state saved.
enum InterruptSignal {
  /// Set by the signals once they are caught.
  static let interruption = Interruption()

  /// Has the signals that ask a process to end remove what it has begun to write, and then end it as by default.
  static func removeTemporariesAtEnd() {
    for number in [SIGHUP, SIGINT, SIGTERM] {
      let before = signal(number) { InterruptSignal.end(by: $0) }
      // What was started to live on without its terminal does so.
      if unsafeBitCast(before, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self) {
        signal(number, SIG_IGN)
      }
    }
  }

  /// Ends the process by a signal, with nothing unfinished left. Async-signal-safe.
  private static func end(by number: Int32) {
    TemporaryFile.removeAll()
    signal(number, SIG_DFL)
    raise(number)
  }

  /// Catches the signals; a second one ends the process at once.
  static func catchSignals() -> Interruption {
    let interruption = interruption
    // Programs that are started from a thread with blocked signals begin with these blocked.
    var signals = sigset_t()
    sigemptyset(&signals)
    for number in [SIGINT, SIGTERM] { sigaddset(&signals, number) }
    pthread_sigmask(SIG_UNBLOCK, &signals, nil)
    for number in [SIGINT, SIGTERM] {
      signal(number) { number in
        signal(number) { InterruptSignal.end(by: $0) }
        InterruptSignal.interruption.request()
      }
    }
    return interruption
  }
}
