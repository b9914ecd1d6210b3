import ArgumentParser
import Snug

/// `snug`: reads the command line, runs one subcommand, and turns what it throws into an exit status.
struct RootCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "snug",
    abstract: "Makes neural networks fit narrow accumulators, with a proof that none overflows.",
    discussion: """
      Float ONNX in, certified low-bit QONNX out:

        snug convert model.onnx -o model-w4a4.onnx --data images/
        snug verify model-w4a4.onnx

      Exit status: 0 done (verify: certified), 1 verify: refuted, 2 an input can't be \
      used, 3 an output can't be written, 64 wrong usage, 130 training interrupted.
      """,
    version: Snug.version,
    subcommands: [
      CompareCommand.self, ConvertCommand.self, DoctorCommand.self, EvaluateCommand.self,
      ExportCommand.self, FinetuneCommand.self,
      InspectCommand.self, RunCommand.self, SweepCommand.self, VerifyCommand.self,
    ]
  )

  /// The word that every error line begins with, whoever found the error.
  static let _errorLabel = "error"

  /// Runs a command to its end, which is that of the process.
  ///
  /// - Parameter arguments: the words behind the program's name; `nil` for those that the process was started with.
  static func main(_ arguments: [String]?) -> Never {
    let words = arguments ?? Array(CommandLine.arguments.dropFirst())
    // A reader that stops early, such as `head`, must not end the process by a signal.
    signal(SIGPIPE, SIG_IGN)
    // A limit on the size of files is a failure to write, with a line of its own.
    signal(SIGXFSZ, SIG_IGN)
    do {
      try refuseUnknownCommand(words)
      var command = try parseAsRoot(words)
      try command.run()
      exit()
    } catch let error as CommandFailure {
      Console.shared.endProgress()
      Console.shared.writeLine(error.text)
      exit(withError: error.status)
    } catch {
      Console.shared.endProgress()
      exit(printing: error)
    }
  }

  /// Names the nearest command where the first word is none: what the parser would count are arguments of none.
  private static func refuseUnknownCommand(_ words: [String]) throws {
    let names = configuration.subcommands.compactMap { $0.configuration.commandName } + ["help"]
    guard let word = words.first, !word.hasPrefix("-"),
      !names.contains(word)
    else { return }
    let question = Spelling.question(about: word, among: names)
    throw ValidationError(
      "There is no command '\(word)'\(question.isEmpty ? "; 'snug --help' lists all" : question)")
  }

  /// Prints help, a version or what is wrong with the command line, whose words are shown without what could steer
  /// the terminal, and ends the process.
  private static func exit(printing error: any Error) -> Never {
    let status = exitCode(for: error)
    let text = fullMessage(for: error).split(separator: "\n", omittingEmptySubsequences: false)
      .map { String($0).printable }.joined(separator: "\n")
    let stream = status.isSuccess ? StandardStream.output : .error
    if !text.isEmpty { stream.write(text + "\n") }
    exit(withError: status)
  }
}

/// The command line as a library.
package enum CommandLineProgram {
  /// Runs a command to its end, which is that of the process.
  ///
  /// - Parameter arguments: the words behind the program's name; `nil` for those that the process was started with.
  package static func run(_ arguments: [String]? = nil) -> Never { RootCommand.main(arguments) }
}
