import ArgumentParser
import Logging
import Snug

/// One command of `snug`: it states its options and its job; how every job runs and fails is here.
protocol Subcommand: ParsableCommand {
  var common: CommonOptions { get }
  /// Whether it passes many samples through a model, so that other work on the machine may come between.
  static var computesLong: Bool { get }

  /// Does the job and prints its result on standard output.
  ///
  /// - Throws: `SnugError` or `Diagnostic` for a failure, `ExitCode` for a negative result.
  func execute(_ context: CommandContext) throws
}

extension Subcommand {
  static var computesLong: Bool { true }

  func run() throws {
    InterruptSignal.removeTemporariesAtEnd()
    var context = common.makeContext(computesLong: Self.computesLong)
    do {
      context.paths = JobPaths(of: self)
      try context.paths.check()
      try execute(context)
      Console.shared.endProgress()
    } catch let error as SnugError {
      throw CommandFailure(error.diagnostic, verbose: common.verbose)
    } catch let error as Diagnostic {
      throw CommandFailure(error, verbose: common.verbose)
    }
  }
}

/// What a running command may use besides its options.
struct CommandContext {
  let logger: Logger
  /// Shows progress on a terminal.
  let progress: ProgressHandler
  /// With `--quiet`: results for people are not printed.
  let isQuiet: Bool
  /// What the options name.
  var paths = JobPaths()

  /// Prints a report as JSON, or as text that fits the terminal.
  func print(_ report: some PrintableReport, json: Bool) throws(Diagnostic) {
    if json {
      try write(report.json.text())
    } else if !isQuiet {
      try write(report.text(style: StandardStream.output.textStyle))
    }
  }

  /// Says so where the process's limits allow fewer threads than were asked for.
  func warnOfFewerThreads(than wanted: Int) {
    guard Parallelism.threadCount < wanted else { return }
    logger.warning(
      "computing with \(Parallelism.threadCount) of \(wanted) threads: the limits of this process (ulimit -v, ulimit -u) allow no more"
    )
  }

  /// Writes a result to standard output.
  ///
  /// - Throws: `Diagnostic` if it can't be written. A reader that has gone away is no failure.
  private func write(_ text: String) throws(Diagnostic) {
    switch StandardStream.output.write(text.hasSuffix("\n") ? text : text + "\n") {
    case .success, .failure(.closed): break
    case .failure(.failed(let reason)):
      throw Diagnostic(
        .output, file: "standard output", "can't be written: \(reason)",
        hint: "make room, or send the result elsewhere")
    }
  }
}

/// What a command prints, for people and for programs.
protocol PrintableReport {
  var json: JSONValue { get }
  func text(style: TextStyle) -> String
}

extension InspectionReport: PrintableReport {}
extension VerificationReport: PrintableReport {}
extension CertificateCheck: PrintableReport {}
extension ConversionSummary: PrintableReport {}
extension SweepResult: PrintableReport {}
extension ModelComparison: PrintableReport {}

/// A report and others of its kind: the text has one after the other, and the JSON the others in a member `beside`.
struct ReportsTogether<Report: PrintableReport>: PrintableReport {
  let first: Report
  let others: [Report]

  var json: JSONValue {
    guard !others.isEmpty, case .object(let members) = first.json else { return first.json }
    return .object(members + [JSONMember("beside", .array(others.map(\.json)))])
  }

  func text(style: TextStyle) -> String {
    ([first] + others).map { $0.text(style: style) }.joined(separator: "\n")
  }
}
