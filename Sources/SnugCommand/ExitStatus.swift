import ArgumentParser
import Snug

extension ExitCode {
  /// `verify` refuted the guarantee, or could not certify it.
  static let refuted = ExitCode(1)
}

extension Diagnostic {
  /// The exit status that tells a script which kind of failure this is.
  var status: ExitCode { ExitCode(exitStatus) }
}

/// A failure with its rendering for standard error and its exit status.
struct CommandFailure: Error {
  let text: String
  let status: ExitCode

  /// One line that begins `error:`; with `verbose`, the causes as a tree below it.
  init(_ diagnostic: Diagnostic, verbose: Bool) {
    text = "error: " + (verbose ? diagnostic.tree : diagnostic.description)
    status = diagnostic.status
  }
}
