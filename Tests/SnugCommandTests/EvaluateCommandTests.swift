import Foundation
import TestSupport
import Testing

@Suite struct EvaluateCommandTests {
  let model = Fixtures.path("digits/model.onnx")
  let data = Fixtures.path("digits/test.npz")

  /// One thread: several runs at a time share this machine's cores.
  private func evaluate(_ arguments: String...) throws -> SnugProcess {
    try SnugProcess(["evaluate", model, "--data", data, "--threads", "1"] + arguments)
  }

  @Test func `more threads than the address space has room for become fewer, with a warning`()
    throws
  {
    let run = try SnugProcess(
      [
        "evaluate", Fixtures.path("digits/model.onnx"), "--data",
        Fixtures.path("digits/calibration.npz"), "--limit", "20", "--threads", "64",
      ], addressSpace: 2_000_000)
    #expect(run.status == 0)
    #expect(run.error.contains("computing with 3 of 64 threads"))
  }

  @Test func `the digit classifier has the accuracy that PyTorch measured`() throws {
    let run = try evaluate("--json")
    #expect(run.status == 0)
    #expect(run.error.isEmpty)
    let result = try run.json()
    #expect(Set(result.keys) == ["metric", "value", "top5", "loss", "samples", "seconds"])
    #expect(result["metric"] as? String == "top1")
    let value = try #require(result["value"] as? Double)
    #expect(abs(value - 99.4) < 0.01)
    #expect(result["samples"] as? Int == 500)
  }

  @Test(arguments: [1, 7, 500])
  func `the batch size changes nothing but the speed`(size: Int) throws {
    let result = try evaluate(
      "--json", "--batch-size", "\(size)"
    ).json()
    #expect(try abs(#require(result["value"] as? Double) - 99.4) < 0.01)
    #expect(try abs(#require(result["loss"] as? Double) - 0.0253) < 0.0001)
  }

  @Test func `a limit stops after that many samples`() throws {
    let result = try evaluate(
      "--json", "--limit", "10"
    ).json()
    #expect(result["samples"] as? Int == 10)
  }

  @Test func `normalisation changes what the model sees`() throws {
    let plain = try evaluate("--json").json()
    let scaled = try evaluate(
      "--json", "--input-scale", "2", "--std", "2"
    ).json()
    let shifted = try evaluate(
      "--json", "--mean", "12"
    ).json()
    #expect(plain["loss"] as? Double == scaled["loss"] as? Double)
    #expect(try #require(shifted["value"] as? Double) < 90)
  }

  @Test func `text says metric, samples and time`() throws {
    let run = try evaluate()
    #expect(run.output.hasPrefix("top-1 99.40 %, top-5 100.00 %, loss 0.0253 (500 samples in "))
  }
}
