import ArgumentParser
import Snug

struct DoctorCommand: Subcommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor",
    abstract: "Show what this build computes with on this machine, and what is missing.",
    discussion: """
      Versions, the instruction sets and kernels that are chosen for this CPU, threads, memory, and advice where something \
      makes jobs slow or fail.

      Example:
        snug doctor --threads 2
      """)

  @OptionGroup(title: "Common options")
  var common: CommonOptions

  func execute(_ context: CommandContext) throws { try context.print(Doctor(), json: common.json) }
}

extension Doctor: PrintableReport {
  func text(style: TextStyle) -> String {
    let width = findings.map(\.title.count).max() ?? 0
    var lines = findings.map { finding in
      finding.title + String(repeating: " ", count: width - finding.title.count + 2)
        + finding.value
    }
    lines.append("")
    let advice = findings.compactMap(\.advice)
    lines += advice.isEmpty ? ["Nothing is missing."] : advice.map { "- " + $0 }
    return lines.joined(separator: "\n")
  }
}
