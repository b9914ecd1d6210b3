import Snug
import TestSupport
import Testing

@testable import SnugCommand

@Suite struct HelpTests {
  static let commands = RootCommand.configuration.subcommands.compactMap {
    $0.configuration.commandName
  }

  @Test(arguments: [""] + commands)
  func `help is complete and as recorded`(command: String) throws {
    let run = try SnugProcess(command.isEmpty ? ["--help"] : [command, "--help"])
    #expect(run.status == 0)
    #expect(run.error.isEmpty)
    if !command.isEmpty { #expect(run.output.contains("Example:\n  snug \(command) ")) }
    let name = command.isEmpty ? "help.txt" : "help-\(command).txt"
    #expect(run.output == (try Snapshot.recorded(name, for: run.output)))
  }

  @Test func `the main help lists every command with one line`() throws {
    let help = try SnugProcess("--help").output
    for command in Self.commands {
      #expect(help.contains("\n  \(command) "))
    }
  }

  @Test func `the version is that of the library`() throws {
    let run = try SnugProcess("--version")
    #expect(run.status == 0)
    #expect(run.output == Snug.version + "\n")
  }
}
