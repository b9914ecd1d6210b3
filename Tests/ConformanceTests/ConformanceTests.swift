import Foundation
import TestSupport
import Testing

/// The ONNX backend tests against `manifest.txt`; `scripts/conformance` runs this suite and shows its counts.
///
/// `RECORD_CONFORMANCE=1` renews the manifest and keeps the reasons that stand in it.
@Suite struct ConformanceTests {
  @Test(
    .enabled(if: NodeTest.data != nil, "skipped: the peers' Python has no onnx with test data"))
  func `every ONNX node test gives what the manifest says`() throws {
    let data = try #require(NodeTest.data)
    var manifest = try Manifest(String(contentsOf: Manifest.path, encoding: .utf8))
    let tests = try NodeTest.all(in: data)
    var outcomes: [String: NodeTest.Outcome] = [:]
    for test in tests { outcomes[test.name] = test.outcome() }
    let environment = ProcessInfo.processInfo.environment
    if environment["RECORD_CONFORMANCE"] == "1", environment["CI"] != "true" {
      manifest = Self.renewed(manifest, outcomes)
      try Data(manifest.text.utf8).write(to: Manifest.path)
    }
    for test in tests {
      guard let outcome = outcomes[test.name] else { continue }
      let entry = manifest.entries[test.name]
      #expect(
        Self.agree(outcome, entry),
        "\(test.name): \(outcome), the manifest: \(entry?.text ?? "nothing")")
    }
    #expect(Set(manifest.entries.keys) == Set(tests.map(\.name)), "cases that don't exist")
    print(Self.summary(manifest, tests))
  }

  @Test func `a manifest is read as it was written, and refuses what it doesn't know`() throws {
    let text =
      "a/x fails: no: reason\na/y out of scope: operator Z\na/z pass\na/zz passes as corrected: how\n"
    let manifest = try Manifest(text)
    #expect(manifest.entries["a/x"] == .failure("no: reason"))
    #expect(manifest.text == text)
    for wrong in ["a passes\n", "a fails:\n", "a pass\na pass\n"] {
      #expect(throws: ManifestError.self) { try Manifest(wrong) }
    }
  }

  private static func agree(_ outcome: NodeTest.Outcome, _ entry: Manifest.Entry?) -> Bool {
    switch (outcome, entry) {
    case (.pass, .pass), (.corrected, .corrected): true
    case (.outOfScope(let what), .outOfScope(let noted)): what == noted
    case (.failure, .failure): true
    default: false
    }
  }

  private static func renewed(_ manifest: Manifest, _ outcomes: [String: NodeTest.Outcome])
    -> Manifest
  {
    Manifest(
      entries: Dictionary(
        uniqueKeysWithValues: outcomes.map { name, outcome in
          switch outcome {
          case .pass: (name, .pass)
          case .corrected:
            if case .corrected(let how)? = manifest.entries[name] {
              (name, .corrected(how))
            } else {
              (name, .corrected("to be written"))
            }
          case .outOfScope(let what): (name, .outOfScope(what))
          case .failure(let message):
            if case .failure(let reason)? = manifest.entries[name] {
              (name, .failure(reason))
            } else {
              (name, .failure(message.split(separator: "\n").joined(separator: " ")))
            }
          }
        }))
  }

  /// Counts by outcome and reason, a line each.
  private static func summary(_ manifest: Manifest, _ tests: [NodeTest]) -> String {
    let excluded = Set(tests.filter { $0.exclusion != nil }.map(\.name))
    var (inScope, beyond) = (0, 0)
    var corrections: [String: Int] = [:]
    var failures: [String: Int] = [:]
    var exclusions: [String: Int] = [:]
    for (name, entry) in manifest.entries {
      switch entry {
      case .pass where excluded.contains(name): beyond += 1
      case .pass: inScope += 1
      case .corrected(let how): corrections[how, default: 0] += 1
      case .outOfScope(let what): exclusions[what, default: 0] += 1
      case .failure(let reason): failures[reason, default: 0] += 1
      }
    }
    func lines(_ counts: [String: Int]) -> [String] {
      counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { "    \($0.value) \($0.key)" }
    }
    func sum(_ counts: [String: Int]) -> Int { counts.values.reduce(0, +) }
    let passing = inScope + sum(corrections)
    let count = passing + sum(failures)
    let percent = String(format: "%.1f", Double(passing) * 100 / Double(max(count, 1)))
    let parts =
      ["in scope: \(count) cases, \(passing) pass (\(percent) %), \(sum(failures)) fail"]
      + lines(failures)
      + ["of those that pass, \(sum(corrections)) do on the data that a later onnx corrected:"]
      + lines(corrections)
      + [
        "out of scope: \(beyond + sum(exclusions)) cases, \(beyond) pass all the same, the others:"
      ]
      + lines(exclusions)
    return parts.joined(separator: "\n")
  }
}
