import Foundation
import TestSupport
import Testing

/// What documents say that commands print, against what they print.
///
/// `RECORD_SNAPSHOTS=1` writes what commands print into a document that says something else; `SNUG` then names the program
/// to run, as a release build has the times that users see.
@Suite struct TranscriptTests {
  private static let root = Fixtures.repository

  /// The documents with transcripts, by their paths in the checkout.
  static func documents() throws -> [String] {
    let guides = try FileManager.default.contentsOfDirectory(
      atPath: root.appending(path: "docs/guides").path)
    return ["README.md"]
      + guides.filter { $0.hasSuffix(".md") }.sorted().map { "docs/guides/\($0)" }
  }

  @Test(arguments: try documents())
  func `commands print what the documents say, but for numbers`(document: String) throws {
    let path = Self.root.appending(path: document)
    var text = Transcript(try String(contentsOf: path, encoding: .utf8))
    let folder = try TemporaryFolder()
    try FileManager.default.createSymbolicLink(
      at: folder.url.appending(path: "fixtures"),
      withDestinationURL: Fixtures.root)
    for index in text.commands.indices {
      let command = text.commands[index]
      let printed = try Self.run(command.line, in: folder.url)
      if Snapshot.records {
        if command.shape != Transcript.shape(printed) { text.commands[index].output = printed }
      } else {
        let shown = printed.joined(separator: "\n")
        #expect(Transcript.shape(printed) == command.shape, "$ \(command.line)\n\(shown)")
      }
    }
    if Snapshot.records { try Data(text.document.utf8).write(to: path) }
  }

  /// The lines that a shell shows, with the built program on its path.
  private static func run(_ command: String, in folder: URL) throws -> [String] {
    let shell = Process()
    shell.executableURL = URL(filePath: "/bin/sh")
    shell.arguments = ["-c", command]
    shell.currentDirectoryURL = folder
    let environment = ProcessInfo.processInfo.environment
    let program = environment["SNUG"].map { URL(filePath: $0) } ?? SnugProcess.executable
    let programs = program.deletingLastPathComponent().path
    shell.environment = environment.merging(
      ["PATH": "\(programs):/usr/bin:/bin", "COLUMNS": "120"]) { $1 }
    let file = folder.appending(path: "transcript")
    try Data().write(to: file)
    let output = try FileHandle(forWritingTo: file)
    shell.standardOutput = output
    shell.standardError = output
    shell.standardInput = FileHandle.nullDevice
    try shell.run()
    shell.waitUntilExit()
    let text = try String(contentsOf: file, encoding: .utf8)
    return text.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init)
  }
}

/// A Markdown document whose blocks of `console` hold commands, each after `$ `, and what they print.
private struct Transcript {
  struct Command {
    /// As a shell takes it, and as the document writes it.
    var line: String
    var source: [String]
    var output: [String]

    var shape: [String] { Transcript.shape(output) }
  }

  /// Lines between commands, one entry before each command and one after the last.
  private var prose: [[String]] = [[]]
  var commands: [Command] = []

  init(_ document: String) {
    var isInside = false
    for line in document.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) {
      if !isInside || line.hasPrefix("```") {
        isInside = line == "```console"
        prose[prose.count - 1].append(line)
      } else if line.hasPrefix("$ ") {
        commands.append(Command(line: String(line.dropFirst(2)), source: [line], output: []))
        prose.append([])
      } else if var command = commands.popLast() {
        if command.source.last?.hasSuffix("\\") ?? false {
          command.line = command.line.dropLast() + line
          command.source.append(line)
        } else {
          command.output.append(line)
        }
        commands.append(command)
      }
    }
  }

  var document: String {
    var lines = prose[0]
    for (command, following) in zip(commands, prose.dropFirst()) {
      lines += command.source + command.output + following
    }
    return lines.joined(separator: "\n")
  }

  /// Lines with `#` for each number, as those follow a processor's rounding and its speed, and with single spaces. Which
  /// layers lose most follows it too, where they lose much the same.
  static func shape(_ lines: [String]) -> [String] {
    lines.map { line in
      line.replacing(/[-<]?\d+(\.\d+)?/, with: "#").replacing(/─+/, with: "─")
        .replacing(/(Most is lost in) .*;/, with: { "\($0.output.1) …;" })
        .replacing(/\ +/, with: " ")
    }
  }
}
