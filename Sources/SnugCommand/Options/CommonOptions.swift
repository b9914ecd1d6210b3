import ArgumentParser
import Logging
import Snug

/// Options that every command takes.
struct CommonOptions: ParsableArguments {
  @Flag(help: "Print the result as JSON on standard output, and nothing else there.")
  var json = false

  @Flag(name: .shortAndLong, help: "Print errors only, and the result with --json.")
  var quiet = false

  @Flag(name: .shortAndLong, help: "Print details of each step, and the causes of an error.")
  var verbose = false

  @Option(
    help: ArgumentHelp("Threads to compute with (default: all cores).", valueName: "count"))
  var threads: Int?

  func validate() throws {
    if quiet && verbose { throw ValidationError("give one of --quiet and --verbose") }
    let allowed = ConversionOptions.threadCounts
    if let threads, !allowed.contains(threads) {
      throw ValidationError(
        "--threads is \(threads); allowed: \(allowed.lowerBound) to \(allowed.upperBound)")
    }
  }

  /// Sets log level, thread count and how threads wait, once a process.
  ///
  /// - Parameter computesLong: whether the command computes for so long that it's worth a second start.
  func makeContext(computesLong: Bool) -> CommandContext {
    let level: Logger.Level = quiet ? .error : verbose ? .debug : .notice
    if quiet { Console.shared.hideProgress() }
    if let threads { Parallelism.threadCount = threads }
    if computesLong, Parallelism.threadCount > 1 { ThreadWaiting.shorten() }
    LoggingSystem.bootstrap { _ in StandardErrorLogHandler(logLevel: level) }
    let context = CommandContext(
      logger: Logger(label: "snug"), progress: { Console.shared.show($0) }, isQuiet: quiet)
    if let threads { context.warnOfFewerThreads(than: threads) }
    return context
  }
}
