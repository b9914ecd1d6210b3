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

  @Test func `a model that isn't certified gets no certificate`() throws {
    let certificate = files.folder.url.appending(path: "none.json").path
    let run = try SnugProcess("verify", try files.quantized(), "--certificate", certificate)
    #expect(run.status == 1)
    #expect(!FileManager.default.fileExists(atPath: certificate))
  }

  @Test(arguments: [
    ("{}", "field 'schema'"), ("[", "certificate"),
    (#"{"schema": "snug.certificate/2", "conditions": {"strict": 1}}"#, "field 'conditions'"),
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

  @Test func `inspect prints the layers as the contract has them`() throws {
    let run = try SnugProcess("inspect", try files.quantized(finnBits: 7), "--json")
    #expect(run.status == 0)
    let document = try run.json()
    #expect(Set(document.keys) == ["model", "certified", "layers"])
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
