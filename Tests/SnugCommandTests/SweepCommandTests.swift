import Datasets
import Foundation
import Snug
import TensorCore
import TestSupport
import Testing

@Suite struct SweepCommandTests {
  let folder: TemporaryFolder
  private let model = Fixtures.path("digits/model.onnx")
  private let calibration = Fixtures.path("digits/calibration.npz")
  private let test = Fixtures.path("digits/test.npz")

  init() throws { folder = try TemporaryFolder() }

  /// Few samples and one thread: several runs at a time share this machine's cores.
  private var shared: [String] {
    ["--data", calibration, "--calibration-samples", "32", "--threads", "1"]
  }

  private func sweep(
    _ name: String, _ arguments: [String], whileRunning: ((pid_t) -> Void)? = nil
  ) throws -> SnugProcess {
    // In a folder of its own each, so that the same words give the same bytes.
    let place = folder.url.appending(path: name)
    try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
    return try SnugProcess(
      ["sweep", model, "-o", "results", "--validation", test] + shared + arguments, in: place,
      whileRunning: whileRunning)
  }

  private func files(_ name: String) throws -> [String: Data] {
    let results = folder.url.appending(path: "\(name)/results")
    var files: [String: Data] = [:]
    for file in try FileManager.default.contentsOfDirectory(atPath: results.path)
    where ![".lock", "states"].contains(file) {
      files[file] = try Data(contentsOf: results.appending(path: file))
    }
    return files
  }

  private func rows(_ name: String) throws -> [[String: String]] {
    let text = String(decoding: try #require(try files(name)["sweep.csv"]), as: UTF8.self)
    let lines = text.split(separator: "\n").map {
      $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    }
    let head = try #require(lines.first)
    return lines.dropFirst().map { Dictionary(uniqueKeysWithValues: zip(head, $0)) }
  }

  @Test func `each row is what convert and evaluate give one by one`() throws {
    let run = try sweep(
      "all",
      [
        "--accumulator-bits", "9...10", "--method", "exact,a2q,unconstrained", "--weight-bits",
        "3,4", "--activation-bits", "4,5", "--paired",
      ])
    #expect(run.status == 0, "\(run.error)")
    let rows = try rows("all")
    // Two widths for two methods, one for the third, at two pairs of bits.
    #expect(rows.count == 10)
    for row in rows {
      let output = folder.path("one.onnx")
      let method = try #require(row["method"])
      let bits = try #require(row["accumulator_bits"])
      #expect(bits.isEmpty == (method == "unconstrained"))
      let convert = try SnugProcess(
        ["convert", model, "-o", output, "--method", method] + shared
          + ["--weight-bits", row["weight_bits"] ?? "", "--activation-bits"]
          + [row["activation_bits"] ?? "", "--json"]
          + (bits.isEmpty ? [] : ["--accumulator-bits", bits]))
      #expect(convert.status == 0)
      let evaluation = try SnugProcess("evaluate", output, "--data", test, "--json").json()
      #expect(evaluation["value"] as? Double == row["value"].flatMap(Double.init), "\(row)")
      guard !bits.isEmpty else { continue }
      let report = try convert.json()["report"] as? [String: Any]
      let layers = try #require(report?["layers"] as? [[String: Any]])
      let accumulators = layers.compactMap { $0["accumulator"] as? [String: Any] }
      let widest = accumulators.filter { $0["target_bits"] as? Int == Int(bits) }
        .compactMap { $0["required_bits"] as? Int }.max()
      #expect(widest == row["required_bits"].flatMap { Int($0) })
    }
  }

  @Test func `killed ten times, a sweep ends with the bytes of one that was not`() throws {
    let arguments = [
      "--accumulator-bits", "8...11", "--method", "exact,a2q", "--seeds", "2", "--recommend", "20",
    ]
    let start = ContinuousClock.now
    #expect(try sweep("whole", arguments).status == 0)
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    var random = SplitMix(seed: UInt64(Date().timeIntervalSince1970))
    var kills = 0
    for round in 0..<10 {
      let signal = [SIGKILL, SIGINT, SIGTERM][round % 3]
      let delay = Double.random(in: 0.05...0.4, using: &random) * seconds
      let killed = try sweep("killed", arguments) { process in
        usleep(UInt32(delay * 1e6))
        kill(process, signal)
      }
      #expect(killed.status == 128 + signal || killed.status == 0)
      kills += killed.status == 0 ? 0 : 1
      // Whatever is there is whole.
      for (name, data) in (try? files("killed")) ?? [:] where name == "sweep.json" {
        _ = try JSONSerialization.jsonObject(with: data)
      }
    }
    #expect(kills > 0)
    #expect(try sweep("killed", arguments).status == 0)
    let (whole, resumed) = (try files("whole"), try files("killed"))
    #expect(
      whole.keys.sorted() == [
        "recommended.onnx", "recommended.sh", "sweep.csv", "sweep.html", "sweep.json", "sweep.svg",
      ])
    #expect(resumed.keys.sorted() == whole.keys.sorted())
    for (name, data) in whole { #expect(resumed[name] == data, "\(name)") }
  }

  @Test func `the same bytes are written by any number of jobs, and points may be added later`()
    throws
  {
    let arguments = ["--method", "exact", "--limit", "100"]
    let first = try sweep("steps", arguments + ["--accumulator-bits", "10"])
    #expect(first.status == 0, "\(first.error)")
    #expect(try sweep("steps", arguments + ["--accumulator-bits", "9...11"]).status == 0)
    let jobs = try sweep("jobs", arguments + ["--accumulator-bits", "9...11", "--jobs", "3"])
    #expect(jobs.status == 0, "\(jobs.error)")
    let (steps, together) = (try files("steps"), try files("jobs"))
    #expect(steps.keys.sorted() == ["sweep.csv", "sweep.html", "sweep.json", "sweep.svg"])
    for (name, data) in steps { #expect(together[name] == data, "\(name)") }
    #expect(try rows("jobs").count == 3)
  }

  @Test
  func `the recommended file is the cheapest within the loss, and its command makes it again`()
    throws
  {
    let run = try sweep(
      "best",
      [
        "--accumulator-bits", "7...12", "--method", "exact", "--recommend", "4",
        "--scale-type", "power-of-two", "--json",
      ])
    #expect(run.status == 0, "\(run.error)")
    let chosen = try #require(try run.json()["recommendation"] as? [String: Any])
    let rows = try rows("best")
    let fitting = rows.filter { Double($0["loss"] ?? "").map { $0 <= 4 } ?? false }
    let narrowest = fitting.compactMap { $0["accumulator_bits"].flatMap { Int($0) } }.min()
    #expect(chosen["accumulator_bits"] as? Int == narrowest)
    let files = try files("best")
    let script = String(decoding: try #require(files["recommended.sh"]), as: UTF8.self)
    #expect(script == "\(try #require(chosen["command"] as? String))\n")
    // In another folder, with the words as a shell splits them.
    let words = try Self.words(script)
    #expect(words.prefix(2) == ["snug", "convert"])
    let again = folder.url.appending(path: "again")
    try FileManager.default.createDirectory(at: again, withIntermediateDirectories: true)
    let made = try SnugProcess(Array(words.dropFirst()), in: again)
    #expect(made.status == 0, "\(made.error)")
    #expect(
      try Data(contentsOf: again.appending(path: "recommended.onnx")) == files["recommended.onnx"])
  }

  /// The words of a line, as the shell splits it.
  private static func words(_ line: String) throws -> [String] {
    let shell = Process()
    shell.executableURL = URL(filePath: "/bin/sh")
    shell.arguments = ["-c", "printf '%s\\n' " + line]
    let output = Pipe()
    shell.standardOutput = output
    try shell.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    shell.waitUntilExit()
    return text.split(separator: "\n").map(String.init)
  }

  @Test func `a point that can't be converted is a row that says why, and the others are measured`()
    throws
  {
    // One bit of accumulator beyond the sign holds a single unit of one sign.
    let recipe = try folder.write(
      Array("layers:\n  - match: '*'\n    bias-bits: 23\n".utf8), to: "recipe.yaml")
    let run = try sweep("refused", ["--accumulator-bits", "2,12", "--recipe", recipe])
    #expect(run.status == 0, "\(run.error)")
    let rows = try rows("refused")
    #expect(rows.count == 2)
    #expect(rows.last?["value"]?.isEmpty == false)
    let misspelt = try folder.write(
      Array("layers:\n  - match: '/conv1/Cnv'\n    weight-bits: 5\n".utf8), to: "misspelt.yaml")
    let other = try sweep("misspelt", ["--accumulator-bits", "12", "--recipe", misspelt])
    #expect(other.status == 0)
    #expect(other.error.contains("no dot product is called '/conv1/Cnv'"), "\(other.error)")
  }

  @Test func `without labels a row is the noise in the outputs, and is recommended by it`() throws {
    let pixels = folder.path("pixels.npy")
    var generator = SplitMix(seed: 1)
    let values = (0..<64 * 64).map { _ in Float(generator.next() % 17) }
    try NpyFile.write(Tensor(values, shape: [64, 1, 8, 8]), to: pixels)
    let run = try sweep(
      "unlabelled",
      [
        "--accumulator-bits", "8,10,13", "--validation", pixels, "--recommend", "10", "--json",
      ])
    #expect(run.status == 0, "\(run.error)")
    let document = try run.json()
    #expect(document["metric"] as? String == "output_noise")
    #expect(document["loss_unit"] as? String == "% of the outputs' power")
    let rows = try rows("unlabelled")
    let losses = try rows.map { try #require($0["loss"].flatMap(Double.init)) }
    #expect(losses == losses.sorted(by: >))
    for (row, loss) in zip(rows, losses) {
      let output = folder.path("one.onnx")
      let bits = try #require(row["accumulator_bits"])
      let convert = try SnugProcess(
        ["convert", model, "-o", output, "--accumulator-bits", bits] + shared)
      #expect(convert.status == 0, "\(convert.error)")
      // The worse of two halves is a little more than the whole.
      var options = ComparisonOptions()
      options.samples = 64
      let compared = try ModelFile(model).compare(with: ModelFile(output), on: pixels, options)
      let whole = 100 * (try #require(compared.outputs.first?.lostShare))
      #expect(loss >= 0.99 * whole && loss < 1.5 * whole, "P = \(bits): \(loss) and \(whole)")
      #expect(abs(try #require(row["value"].flatMap(Double.init)) - loss) < 1e-8)
    }
    let chosen = try #require(document["recommendation"] as? [String: Any])
    let fitting = zip(rows, losses).filter { $0.1 <= 10 }
      .compactMap { $0.0["accumulator_bits"].flatMap { Int($0) } }
    #expect(chosen["accumulator_bits"] as? Int == fitting.min())
    let script = String(
      decoding: try #require(try files("unlabelled")["recommended.sh"]), as: UTF8.self)
    #expect(!script.contains("--validation"))
  }

  @Test func `with epochs each row is what convert trains, and a killed sweep ends with its bytes`()
    throws
  {
    let arguments = [
      "--accumulator-bits", "8,9", "--data", test, "--epochs", "1", "--batch-size", "25",
      "--recommend", "90",
    ]
    let whole = try sweep("trained", arguments)
    #expect(whole.status == 0, "\(whole.error)")
    for row in try rows("trained") {
      let output = folder.path("one.onnx")
      let convert = try SnugProcess(
        ["convert", model, "-o", output, "--validation", test] + shared + arguments.dropLast(2)
          + ["--accumulator-bits", row["accumulator_bits"] ?? "", "--json"])
      #expect(convert.status == 0, "\(convert.error)")
      let metric = try #require(try convert.json()["metric_quantized"] as? [String: Any])
      #expect(metric["value"] as? Double == row["value"].flatMap(Double.init), "\(row)")
    }
    let killed = try sweep("again", arguments) { process in
      usleep(700_000)
      kill(process, SIGKILL)
    }
    #expect(killed.status == 128 + SIGKILL || killed.status == 0)
    #expect(try sweep("again", arguments).status == 0)
    let (first, second) = (try files("trained"), try files("again"))
    for name in ["sweep.csv", "sweep.json", "recommended.onnx"] {
      #expect(first[name] == second[name], "\(name)")
    }
  }

  @Test(arguments: [
    (
      ["--accumulator-bits", "20...9"], 64, "--accumulator-bits is '20...9'; give whole numbers or"
    ),
    (["--accumulator-bits", "1...4"], 64, "--accumulator-bits is 1; allowed: 2 to 32"),
    (["--accumulator-bits", "9", "--method", "a2r"], 64, "--method is a2r; allowed: exact, a2q+"),
    ([], 64, "--accumulator-bits"),
    (
      ["--accumulator-bits", "9", "--weight-bits", "4,8", "--paired"], 64,
      "--paired needs as many --weight-bits as --activation-bits"
    ),
    (
      ["--accumulator-bits", "9", "--epochs", "1", "--validation", "none.npz"], 2,
      "cannot read 'none.npz'"
    ),
  ])
  func `what can't be swept is refused on one line`(
    arguments: [String], status: Int32, message: String
  ) throws {
    let run = try SnugProcess(
      ["sweep", model, "-o", folder.path("none")] + shared + arguments)
    #expect(run.status == status)
    #expect(run.error.contains(message), "\(run.error)")
    #expect(run.error.lowercased().hasPrefix("error: "))
    #expect(run.output.isEmpty)
  }

  @Test func `a folder of another sweep is left as it is`() throws {
    #expect(try sweep("one", ["--accumulator-bits", "10", "--limit", "50"]).status == 0)
    let before = try files("one")
    let other = try sweep("one", ["--accumulator-bits", "10", "--limit", "60"])
    #expect(other.status == 64)
    #expect(
      other.error
        == "error: results: it holds a sweep with another 'limit'; name another folder with --output, or remove this one to begin anew\n"
    )
    #expect(try files("one") == before)
    try Data("{}".utf8).write(to: folder.url.appending(path: "one/results/sweep.json"))
    let foreign = try sweep("one", ["--accumulator-bits", "10", "--limit", "50"])
    #expect(foreign.status == 2)
    #expect(foreign.error.contains("it is not a file of 'snug sweep' of this version"))
  }
}
