import Foundation
import GraphIR
import OnnxFormat
import TestSupport
import Testing
import Verification

/// `scripts/certify.py` beside the verifier: two programs that share no code.
enum SecondChecker {
  struct Job: Encodable {
    var path: String
    /// P for all layers; `nil` for what the file states.
    var bits: Int?
  }

  private struct Finding: Decodable {
    var status: Int
    var required: [String: Int?]
  }

  /// Where the two differ, in words.
  ///
  /// - Parameter conservative: true where the second checker may refuse what the verifier certifies.
  static func disagreements(_ jobs: [Job], conservative: Bool = false) throws -> [String] {
    let folder = try TemporaryFolder()
    let (list, results) = (folder.path("jobs.json"), folder.path("results.json"))
    try JSONEncoder().encode(jobs).write(to: URL(filePath: list))
    let program = Fixtures.repository.appending(path: "scripts/certify.py").path
    let peer = try Peers.runPython(
      file: ExportCheck.scripts.appending(path: "second_checker.py"), [program, list, results])
    try #require(peer.status == 0, "\(peer.errors)")
    let findings = try JSONDecoder().decode(
      [Finding].self, from: Data(contentsOf: URL(filePath: results)))
    try #require(findings.count == jobs.count)
    return zip(jobs, findings).compactMap { disagreement($0, $1, conservative: conservative) }
  }

  private static func disagreement(_ job: Job, _ theirs: Finding, conservative: Bool) -> String? {
    guard let model = try? OnnxReader.read(path: job.path, resolver: OpaqueResolver()),
      let own = try? Verifier.verify(model, accumulatorBits: job.bits)
    else { return theirs.status == 0 ? "\(job.path): certified by the second checker alone" : nil }
    guard own.isCertified else {
      return theirs.status == 0 ? "\(job.path): certified by the second checker alone" : nil
    }
    if theirs.status != 0 {
      return conservative ? nil : "\(job.path): certified by the verifier alone"
    }
    let widths = Dictionary(own.layers.map { ($0.layer.name, $0.requiredBits) }) { first, _ in first
    }
    let differing = widths.filter { name, bits in theirs.required[name] != bits }
    return differing.isEmpty ? nil : "\(job.path): other widths of \(differing.keys.sorted())"
  }
}
