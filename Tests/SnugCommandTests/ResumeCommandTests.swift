import Foundation
import TestSupport
import Testing

/// Trainings that a signal ends, and that the same command goes on with.
@Suite struct ResumeCommandTests {
  /// One training with all that it leaves.
  private struct Run {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// Where the data lies.
    var data = Fixtures.path("digits/train.npz")

    var arguments: [String] {
      [
        "finetune", Fixtures.path("digits/model.onnx"), "-o", "out.onnx", "--data", data,
        "--validation", Fixtures.path("digits/test.npz"),
        "--epochs", "12", "--accumulator-bits", "10", "--weight-average", "0.9", "--augment",
        "crop=1", "--checkpoint-dir", "states", "--checkpoint-minutes", "0.0005", "--log",
        "log.csv", "--threads", "1", "--quiet",
      ]
    }

    func finish(_ more: [String] = [], whileRunning: ((pid_t) -> Void)? = nil) throws -> SnugProcess
    {
      try SnugProcess(arguments + more, in: folder.url, whileRunning: whileRunning)
    }

    var model: Data {
      get throws { try Data(contentsOf: URL(filePath: folder.path("out.onnx"))) }
    }

    /// The rows of the log without their pace, the second last column.
    var rows: [[Substring]] {
      get throws {
        try String(contentsOfFile: folder.path("log.csv"), encoding: .utf8).split(separator: "\n")
          .map { line in
            var fields = line.split(separator: ",", omittingEmptySubsequences: false)
            fields.remove(at: 6)
            return fields
          }
      }
    }

    /// Waits until the log has some rows; false where it has not after a minute.
    func hasRows(_ count: Int) -> Bool {
      for _ in 0..<6000 {
        if let rows = try? rows, rows.count > count { return true }
        usleep(10_000)
      }
      return false
    }
  }

  private static let whole = Result {
    () throws -> (model: Data, rows: [[Substring]], seconds: Double) in
    let run = try Run()
    let start = ContinuousClock.now
    try #require(try run.finish().status == 0)
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    return (try run.model, try run.rows, seconds)
  }

  @Test(arguments: [SIGINT, SIGTERM])
  func `a signal ends the step, says how to resume, and loses nothing`(signal: Int32) throws {
    let expected = try Self.whole.get()
    let run = try Run()
    let stopped = try run.finish { process in
      #expect(run.hasRows(3))
      kill(process, signal)
    }
    #expect(stopped.status == 130)
    let line = try #require(
      stopped.error.wholeMatch(
        of: /error: interrupted after step (\d+); the same command resumes it\n/))
    #expect((4..<204).contains(try #require(Int(line.1))))
    #expect(stopped.output.isEmpty)
    #expect(try run.folder.contents() == ["log.csv", "states"])

    #expect(try run.finish().status == 0)
    #expect(try run.model == expected.model)
    #expect(try run.rows == expected.rows)
  }

  @Test func `killed at any moment and started again, it ends with the same bytes`() throws {
    let expected = try Self.whole.get()
    var random = SplitMix(seed: UInt64(Date().timeIntervalSince1970))
    let run = try Run()
    for _ in 0..<4 {
      let delay = Double.random(in: 0.05...max(0.1, expected.seconds), using: &random)
      let killed = try run.finish { process in
        usleep(UInt32(delay * 1e6))
        kill(process, SIGKILL)
      }
      #expect(killed.status == 128 + SIGKILL || killed.status == 0)
      // It may be killed while it measures what it has written; a part of the file never has its name.
      if FileManager.default.fileExists(atPath: run.folder.path("out.onnx")) {
        #expect(try run.model == expected.model)
      }
      if killed.status == 0 { break }
    }
    #expect(try run.finish().status == 0)
    #expect(try run.model == expected.model, "\(random)")
    #expect(try run.rows == expected.rows, "\(random)")
  }

  @Test
  func `data that was moved resumes, other data is refused, another number of threads is said`()
    throws
  {
    let expected = try Self.whole.get()
    var run = try Run()
    let original = run.data
    run.data = run.folder.path("copy.npz")
    try FileManager.default.copyItem(atPath: original, toPath: run.data)
    let stopped = try run.finish { process in
      #expect(run.hasRows(1))
      kill(process, SIGINT)
    }
    #expect(stopped.status == 130)

    try FileManager.default.removeItem(atPath: run.data)
    run.data = Fixtures.path("digits/test.npz")
    let other = try run.finish()
    #expect(other.status == 2)
    #expect(
      other.error.contains(
        /^error: states\/latest.snugstate: is of another run: 'data' was "1 file of \d+ bytes, [0-9a-f]{16}", now .*, 'data content' was "[0-9a-f]{16}", now .*\n$/
      ))

    run.data = original
    #expect(try run.finish().status == 0)
    #expect(try run.model == expected.model)
    let finished = try SnugProcess(
      run.arguments.filter { $0 != "--quiet" } + ["--threads", "2"], in: run.folder.url)
    #expect(finished.status == 0)
    #expect(
      finished.error.contains(
        "warning: states/latest.snugstate: was saved with 1 thread, this run has 2: "))
  }

  @Test func `a state of other options is refused, and the option named`() throws {
    let run = try Run()
    let stopped = try run.finish { process in
      #expect(run.hasRows(1))
      kill(process, SIGINT)
    }
    #expect(stopped.status == 130)
    for (more, difference) in [
      (["--learning-rate", "0.5"], "'learning-rate' was 0.001, now 0.5"),
      (["--accumulator-bits", "9"], "'accumulator-bits' was 10, now 9"),
      (["--seed", "7"], "'seed' was 0, now 7"),
    ] {
      let other = try run.finish(more)
      #expect(other.status == 2)
      #expect(
        other.error
          == "error: states/latest.snugstate: is of another run: \(difference); give the same options to resume it, or another folder to start anew\n"
      )
    }
  }
}
