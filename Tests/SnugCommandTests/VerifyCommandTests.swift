import Foundation
import TestSupport
import Testing

@Suite struct VerifyCommandTests {
  let files: SampleFiles

  init() throws { files = try SampleFiles() }

  @Test func `a certified file exits with 0`() throws {
    let model = try files.quantized(finnBits: 7)
    let run = try SnugProcess("verify", model)
    #expect(run.status == 0)
    #expect(run.error.isEmpty)
    #expect(run.output.contains("certified"))
  }

  @Test func `a width that no annotation gives can't be certified`() throws {
    let run = try SnugProcess("verify", try files.quantized())
    #expect(run.status == 1)
    #expect(run.output.contains("no accumulator width is given"))
  }

  @Test func `one bit below the required width is refuted by an input that overflows`() throws {
    let model = try files.quantized(finnBits: 7)
    let certified = try SnugProcess("verify", model, "--json").json()
    #expect(certified["certified"] as? Bool == true)
    let layers = try #require(certified["layers"] as? [[String: Any]])
    let required = try #require(layers[0]["required_bits"] as? Int)

    let run = try SnugProcess(
      "verify", model, "--json", "--accumulator-bits", "\(required - 1)")
    #expect(run.status == 1)
    let refuted = try run.json()
    #expect(refuted["certified"] as? Bool == false)
    let layer = try #require((refuted["layers"] as? [[String: Any]])?.first)
    #expect(layer["name"] as? String == "fc")
    #expect(layer["target_bits"] as? Int == required - 1)
    let counterexample = try #require(layer["counterexample"] as? [String: Any])
    let channel = try #require(counterexample["channel"] as? Int)
    let input = try #require(counterexample["input"] as? [Int])
    let sum = try #require(counterexample["sum"] as? Int)
    // The weight's integers by column, from the values and the scale of the sample.
    let weights = [[1, 0], [-3, 2]][channel]
    #expect(zip(weights, input).reduce(0) { $0 + $1.0 * $1.1 } == sum)
    #expect(input.allSatisfy { (0...15).contains($0) })
    #expect(!(-(1 << (required - 2))..<1 << (required - 2)).contains(sum))
  }

  @Test
  func `a certificate holds for the file that it was written for, and for no other number or byte`()
    throws
  {
    let model = try files.quantized(finnBits: 7)
    let certificate = files.folder.url.appending(path: "model.certificate.json").path
    #expect(try SnugProcess("verify", model, "--certificate", certificate).status == 0)
    let holds = try SnugProcess("verify", model, "--check", certificate)
    #expect(holds.status == 0)
    #expect(holds.output.contains("the certificate holds"))

    let text = try String(contentsOfFile: certificate, encoding: .utf8)
    let forged = files.folder.url.appending(path: "forged.json").path
    let sum = try #require(text.firstMatch(of: #/"positive_sum": ?[0-9]+/#))
    try text.replacing(sum.output, with: "\"positive_sum\": 99", maxReplacements: 1)
      .write(toFile: forged, atomically: true, encoding: .utf8)
    let refused = try SnugProcess("verify", model, "--check", forged)
    #expect(refused.status == 1)
    #expect(refused.output.contains("positive_sum is 99"))

    // The same integers in other bytes are another file.
    let other = try files.quantized(finnBits: 8)
    let moved = try SnugProcess("verify", other, "--check", certificate)
    #expect(moved.status == 1)
    #expect(moved.output.contains("sha256"))
  }

  @Test func `registers by name and by file are a gate, and their certificate says which`() throws {
    // Weights 1, 0 and -3, 2 on four unsigned bits: 15 x -3 needs 7 bits, whatever pairs.
    let model = try files.quantized()
    let certificate = files.folder.url.appending(path: "x86.json").path
    let certified = try SnugProcess(
      "verify", model, "--registers", "x86-u8s8", "--certificate", certificate, "--json")
    #expect(certified.status == 0)
    let registers = try #require(try certified.json()["registers"] as? [String: Any])
    #expect(registers["name"] as? String == "x86-u8s8")
    #expect(try SnugProcess("verify", model, "--check", certificate).status == 0)

    let file = files.folder.url.appending(path: "narrow.yaml").path
    try """
    name: narrow
    stages:
      - {length: 1, bits: 6, overflow: saturate, products: [channels-last, within-position]}
      - {bits: 20, overflow: wrap}
    """.write(toFile: file, atomically: true, encoding: .utf8)
    let sarif = files.folder.url.appending(path: "a.sarif").path
    let junit = files.folder.url.appending(path: "a.xml").path
    let refuted = try SnugProcess(
      "verify", model, "--registers", file, "--sarif", sarif, "--junit", junit)
    #expect(refuted.status == 1)
    #expect(refuted.output.contains("refuted in the registers of narrow"))
    let log = try #require(
      try JSONSerialization.jsonObject(with: Data(contentsOf: URL(filePath: sarif)))
        as? [String: Any])
    let results = try #require(
      (log["runs"] as? [[String: Any]])?.first?["results"] as? [[String: Any]])
    #expect(results.count == 1 && results[0]["ruleId"] as? String == "refuted")
    #expect(results[0]["level"] as? String == "error")
    let suite = try XMLDocumentCounts(contentsOf: junit)
    #expect(suite == XMLDocumentCounts(tests: 2, failures: 1, cases: 2))
  }

  /// What a JUnit file counts, and what it holds.
  private struct XMLDocumentCounts: Equatable {
    var tests: Int
    var failures: Int
    var cases: Int

    init(tests: Int, failures: Int, cases: Int) {
      (self.tests, self.failures, self.cases) = (tests, failures, cases)
    }

    init(contentsOf path: String) throws {
      let text = try String(contentsOfFile: path, encoding: .utf8)
      let counts = try #require(
        text.firstMatch(of: #/<testsuite name=.* tests="(\d+)" failures="(\d+)"/#))
      self.init(
        tests: try #require(Int(counts.1)), failures: try #require(Int(counts.2)),
        cases: text.matches(of: #/<testcase /#).count)
      #expect(text.matches(of: #/<failure /#).count == failures)
    }
  }

  @Test(
    arguments: [
      (["--registers", "x86"], "x86-u8s8", 2),
      (
        ["--registers", "x86-u8s8", "--accumulator-bits", "16"], "leave --accumulator-bits out", 64
      ),
    ] as [([String], String, Int32)])
  func `registers that aren't known, or a width beside theirs, are refused with what to do`(
    options: [String], hint: String, status: Int32
  ) throws {
    let run = try SnugProcess(["verify", try files.quantized()] + options)
    #expect(run.status == status)
    #expect(run.error.contains(hint))
  }

  @Test func `a model that isn't certified gets no certificate`() throws {
    let certificate = files.folder.url.appending(path: "none.json").path
    let run = try SnugProcess("verify", try files.quantized(), "--certificate", certificate)
    #expect(run.status == 1)
    #expect(!FileManager.default.fileExists(atPath: certificate))
  }

  @Test(arguments: [
    ("{}", "field 'schema'"), ("[", "certificate"),
    (#"{"schema": "snug.certificate/3", "conditions": {"strict": 1}}"#, "field 'conditions'"),
  ])
  func `a document that is no certificate is refused with its field`(_ text: String, _ what: String)
    throws
  {
    let document = files.folder.url.appending(path: "certificate.json").path
    try text.write(toFile: document, atomically: true, encoding: .utf8)
    let run = try SnugProcess("verify", try files.quantized(finnBits: 7), "--check", document)
    #expect(run.status == 2)
    #expect(run.error.hasPrefix("error: \(document)"))
    #expect(run.error.contains(what))
  }

  @Test func `a certificate takes its conditions along, so that --check stands alone`() throws {
    let run = try SnugProcess(
      "verify", "model.onnx", "--check", "c.json", "--accumulator-bits", "8")
    #expect(run.status == 64)
  }

  @Test func `inspect shows other models beside the first in its text, its JSON and its page`()
    throws
  {
    let (first, second) = (
      try files.quantized("a.onnx", finnBits: 7), try files.quantized("b.onnx", finnBits: 9)
    )
    let page = files.folder.path("page.html")
    let run = try SnugProcess("inspect", first, "--beside", second, "--html", page, "--json")
    #expect(run.status == 0, "\(run.error)")
    let beside = try #require(try run.json()["beside"] as? [[String: Any]])
    let alone = try SnugProcess("inspect", second, "--json").json()
    let texts = try (beside + [alone]).map {
      try JSONSerialization.data(withJSONObject: $0, options: .sortedKeys)
    }
    #expect(texts.count == 2 && texts[0] == texts[1])
    let html = try String(contentsOfFile: page, encoding: .utf8)
    #expect(html.ranges(of: #"role="listbox""#).count == 2)
    let text = try SnugProcess("inspect", first, "--beside", second).output
    #expect(text.contains("a.onnx: qonnx") && text.contains("b.onnx: qonnx"))
  }

  @Test func `inspect prints the layers as the contract has them`() throws {
    let run = try SnugProcess("inspect", try files.quantized(finnBits: 7), "--json")
    #expect(run.status == 0)
    let document = try run.json()
    #expect(
      Set(document.keys) == [
        "model", "certified", "layers", "cost", "inputs", "outputs", "provenance",
      ])
    let model = try #require(document["model"] as? [String: Any])
    #expect(Set(model.keys) == ["path", "format", "producer", "opset", "ir_version"])
    #expect(model["format"] as? String == "qonnx")
    let layer = try #require((document["layers"] as? [[String: Any]])?.first)
    #expect(
      Set(layer.keys) == [
        "name", "op", "output", "quantized", "dot_length", "weight", "input", "accumulator",
        "channels",
      ])
    let accumulator = try #require(layer["accumulator"] as? [String: Any])
    #expect(
      Set(accumulator.keys) == [
        "target_bits", "required_bits", "data_type_bits", "certified", "bias_included",
      ])
    let channel = try #require((layer["channels"] as? [[String: Any]])?.first)
    #expect(
      Set(channel.keys) == [
        "index", "l1_norm", "positive_sum", "negative_sum", "budget", "minimum", "maximum",
        "required_bits",
      ])
  }
}
