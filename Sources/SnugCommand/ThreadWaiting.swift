import Snug

/// How long threads that wait for each other keep their cores busy.
///
/// libgomp, whose threads oneDNN and this package share, lets them spin for milliseconds. On a machine that
/// does other work too, the thread that is waited for then gets no core: a forward pass takes ten times as
/// long. Microseconds bridge the gaps between the kernels of a pass as well.
enum ThreadWaiting {
  /// Turns of the waiting loop before a thread sleeps.
  private static let spinCount = "1000"

  /// Starts the program again with the setting, which libgomp reads when it is loaded and never after.
  ///
  /// Does nothing where the environment already says how to wait, or where the program can't be found.
  static func shorten() {
    guard getenv("GOMP_SPINCOUNT") == nil, getenv("OMP_WAIT_POLICY") == nil,
      setenv("GOMP_SPINCOUNT", spinCount, 1) == 0,
      // The link itself would give the process the name `exe`.
      let path = realpath("/proc/self/exe", nil)
    else { return }
    execv(path, CommandLine.unsafeArgv)
    free(path)
  }
}
