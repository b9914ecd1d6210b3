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
