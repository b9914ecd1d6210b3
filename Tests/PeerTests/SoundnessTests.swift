import Foundation
import TestSupport
import Testing

/// Certificates against executions, and against the second checker.
@Suite(.enabled(if: Peers.python != nil, Comment(rawValue: Peers.hint)))
struct SoundnessTests {
  private struct Counts: Decodable {
    var seed: Int
    var `false`: Int
    var total: [String: Int]
  }

  /// A few hundred graphs, others each day; `scripts/soundness` runs as many as one likes.
  @Test func `no execution of a random quantized graph disproves a certificate`() throws {
    let today = Calendar(identifier: .gregorian).dateComponents(
      in: TimeZone(secondsFromGMT: 0) ?? .current, from: Date())
    let seed =
      (today.year ?? 0) * 10_000 + (today.month ?? 0) * 100 + (today.day ?? 0)
    let folder = try TemporaryFolder()
    let program = Fixtures.repository.appending(path: "Tests/SoundnessGraphs/soundness.py")
    let peer = try Peers.runPython(
      file: program,
      [
        "--server", BuiltProgram.url("VerifyServer").path, "--count", "570", "--seed", "\(seed)",
        "--also-certify", "--json", "--output", folder.url.path,
      ])
    let counts = try JSONDecoder().decode(Counts.self, from: Data(peer.output.utf8))
    #expect(counts.false == 0, "scripts/soundness --seed \(seed) --count 570: \(peer.output)")
    // A run in which the executor refuses everything would find nothing either.
    #expect(counts.total["executed"] ?? 0 > 200)
    #expect(counts.total["tight"] ?? 0 > 100)
  }

  @Test func `the second checker agrees with the verifier on every fixture`() throws {
    let folder = Fixtures.repository.appending(path: "fixtures")
    let files = try #require(
      FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil))
    var jobs: [SecondChecker.Job] = []
    for case let file as URL in files where file.pathExtension == "onnx" {
      jobs.append(SecondChecker.Job(path: file.path, bits: 24))
    }
    #expect(jobs.count > 100)
    #expect(try SecondChecker.disagreements(jobs) == [])
  }
}
