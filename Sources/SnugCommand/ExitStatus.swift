import ArgumentParser
import Snug

extension ExitCode {
  /// `verify` refuted the guarantee, or could not certify it.
  static let refuted = ExitCode(1)
  /// An input can't be used.
  static let unusableInput = ExitCode(2)
  /// An output couldn't be written; what was at its path is untouched.
  static let unwritableOutput = ExitCode(3)
  /// A training was stopped by a signal, as shells count SIGINT.
  static let interrupted = ExitCode(130)
}

extension Diagnostic {
  /// The exit status that tells a script which kind of failure this is.
  var status: ExitCode {
    switch stage {
    case .output: .unwritableOutput
    case .options: .validationFailure
    case .interruption: .interrupted
    default: .unusableInput
    }
  }
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
