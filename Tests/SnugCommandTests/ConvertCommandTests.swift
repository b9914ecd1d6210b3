import Foundation
import TestSupport
import Testing

@Suite struct ConvertCommandTests {
  let folder: TemporaryFolder
  let model = Fixtures.path("digits/model.onnx")
  let calibration = Fixtures.path("digits/calibration.npz")
  let output: String

  init() throws {
    folder = try TemporaryFolder()
    output = folder.path("out.onnx")
  }

  private func convert(_ arguments: String...) throws -> SnugProcess {
    // One thread: several runs at a time share this machine's cores.
    try SnugProcess(
      ["convert", model, "-o", output, "--calibration-samples", "16", "--threads", "1"] + arguments)
  }

  @Test(arguments: [
    ["--method", "exact", "--accumulator-bits", "12"], ["--rounding", "gpfq", "--format", "qcdq"],
    ["--method", "a2q", "--reconstruction-steps", "3", "--activation-range", "output"],
  ])
  func `the same bytes are written by any number of threads`(arguments: [String]) throws {
    var files: [Data] = []
    for threads in 1...3 {
      let path = folder.path("\(threads).onnx")
      let run = try SnugProcess(
        [
          "convert", model, "-o", path, "--data", calibration, "--calibration-samples", "64",
          "--threads", "\(threads)",
        ] + arguments)
      #expect(run.status == 0)
      files.append(try Data(contentsOf: URL(filePath: path)))
    }
    #expect(files[1] == files[0])
    #expect(files[2] == files[0])
  }

  /// With the channels last other products fall into a tile, whose register was not chosen for them.
  @Test
  func `a layer that the format's order takes out of its tiles is refused, and nothing written`()
    throws
  {
    let tiles = [
      "--method", "exact", "--refine", "none", "--scale-type", "power-of-two", "--tile-size", "8",
      "--accumulator-bits", "8", "--data", calibration,
    ]
    // hls4ml reads no average, which the digits' model has.
    let model = Fixtures.path("cases/images/convolutional/model.onnx")
    _ = try folder.write([1, 2, 3], to: "out.onnx")
    let run = try SnugProcess(
      ["convert", model, "-o", output, "--format", "hls4ml", "--json"] + tiles)
    #expect(run.status == 2)
    #expect(run.output.isEmpty)
    #expect(
      run.error.contains(
        /^error: \S+: layer '[^']+': tiles are cut in the order of the weights, and in channels-last order .*\n$/
      ))
    #expect(try Data(contentsOf: URL(filePath: output)) == Data([1, 2, 3]))

    // In two steps it is the same.
    let quantized = folder.path("q.onnx")
    #expect(try SnugProcess(["convert", model, "-o", quantized] + tiles).status == 0)
    let export = try SnugProcess("export", quantized, "-o", output, "--format", "hls4ml")
    #expect(export.status == 2)
    #expect(try Data(contentsOf: URL(filePath: output)) == Data([1, 2, 3]))
  }

  @Test func `the result as JSON is what the contract says`() throws {
    let run = try convert(
      "--data", calibration, "--validation", Fixtures.path("digits/test.npz"),
      "--accumulator-bits", "14", "--json")
    #expect(run.status == 0)
    #expect(run.error.isEmpty)
    let document = try run.json()
    for key in [
      "output", "report", "metric_float", "metric_quantized", "seconds", "peak_memory_bytes",
    ] {
      #expect(document[key] != nil, "\(key)")
    }
    #expect(document["output"] as? String == output)
    let report = try #require(document["report"] as? [String: Any])
    #expect(report["certified"] as? Bool == true)
    #expect(report["layers"] is [Any])
    let metric = try #require(document["metric_float"] as? [String: Any])
    #expect(Set(metric.keys) == ["metric", "value"])
    let seconds = try #require(document["seconds"] as? [String: Any])
    for key in ["import", "calibrate", "initialize", "finetune", "export"] {
      #expect(seconds[key] is Double, "\(key)")
    }
    let peak = try #require(document["peak_memory_bytes"] as? Int)
    #expect((1 << 20..<1 << 32).contains(peak))
  }

  @Test func `text says what was done, what it cost and what is guaranteed`() throws {
    let run = try convert(
      "--data", calibration, "--validation", Fixtures.path("digits/test.npz"),
      "--accumulator-bits", "14")
    #expect(run.status == 0)
    for part in [
      "All 6 layers are certified", "Before: top-1 99.40 %; after: top-1 ", "peak memory ",
      "Activation ranges from 16 samples", "Written: \(output)",
    ] {
      #expect(run.output.contains(part), "\(part)")
    }
  }

  @Test func `a flag wins over the recipe, and the recipe over the default`() throws {
    let recipe = try folder.write(
      Array("accumulator-bits: 15\nweight-bits: 5\ndata: \(calibration)\n".utf8),
      to: "recipe.yaml")
    let run = try convert("--recipe", recipe, "--accumulator-bits", "13", "--json")
    let report = try #require(try run.json()["report"] as? [String: Any])
    let layers = try #require(report["layers"] as? [[String: Any]])
    let hidden = layers[1]
    #expect((hidden["accumulator"] as? [String: Any])?["target_bits"] as? Int == 13)
    #expect((hidden["weight"] as? [String: Any])?["bits"] as? Int == 5)
    #expect((hidden["input"] as? [String: Any])?["bits"] as? Int == 4)
    let first = layers[0]
    #expect((first["accumulator"] as? [String: Any])?["target_bits"] as? Int == 32)
    #expect((first["weight"] as? [String: Any])?["bits"] as? Int == 8)
  }

  @Test func `without data, an activation that nothing bounds is named`() throws {
    let run = try convert()
    #expect(run.status == 2)
    #expect(run.error.hasPrefix("error: \(model): the range of 'input'"))
    #expect(run.error.hasSuffix("; give samples with --data\n"))
    #expect(run.error.count { $0 == "\n" } == 1)
    #expect(try folder.contents().isEmpty)
  }

  @Test func `a converted file is refused as a float model`() throws {
    #expect(try convert("--data", calibration).status == 0)
    let again = try SnugProcess(
      "convert", output, "-o", folder.path("again.onnx"), "--data", calibration)
    #expect(again.status == 2)
    #expect(
      again.error.contains("the model is already quantized; 'snug inspect' and 'snug verify'"))
  }

  @Test(arguments: ["none/out.onnx", "folder", "/dev/full"])
  func `an output that can't be written exits with 3 and leaves nothing`(path: String) throws {
    try FileManager.default.createDirectory(
      atPath: folder.path("folder"), withIntermediateDirectories: true)
    let run = try SnugProcess(
      ["convert", model, "-o", path, "--data", calibration, "--calibration-samples", "16"],
      in: folder.url)
    #expect(run.status == 3)
    #expect(run.error.hasPrefix("error: cannot write '\(path)': "))
    #expect(run.error.count { $0 == "\n" } == 1)
    #expect(run.output.isEmpty)
    #expect(try folder.contents() == ["folder"])
  }

  @Test func `a failure leaves what was at the output path`() throws {
    _ = try folder.write([1, 2, 3], to: "out.onnx")
    #expect(try convert().status == 2)
    #expect(try Data(contentsOf: URL(filePath: output)) == Data([1, 2, 3]))
    #expect(try folder.contents() == ["out.onnx"])
  }

  @Test func `the input is never overwritten`() throws {
    let copy = folder.path("model.onnx")
    try FileManager.default.copyItem(atPath: model, toPath: copy)
    let run = try SnugProcess("convert", copy, "-o", copy, "--data", calibration)
    #expect(run.status == 2)
    #expect(
      run.error
        == "error: --output '\(copy)' is the same file as the model '\(copy)'; name another place, since what is there could be lost\n"
    )
    #expect(try Data(contentsOf: URL(filePath: copy)) == Data(contentsOf: URL(filePath: model)))
  }

  @Test func `model and sidecar need files of their own`() throws {
    let run = try convert("--data", calibration, "--sidecar", output)
    #expect(run.status == 2)
    #expect(run.error.hasPrefix("error: --sidecar '\(output)' is the same file as --output '"))
    #expect(try folder.contents().isEmpty)
  }

  @Test func `wrong calibration data is named with its field`() throws {
    let run = try convert("--data", Fixtures.path("digits/model.onnx"))
    #expect(run.status == 2)
    #expect(run.error.contains("digits/model.onnx: holds no data of a known kind"))
    let shape = try convert("--data", calibration, "--mean", "1,2,3")
    #expect(shape.status == 2)
    #expect(shape.error.hasPrefix("error: --mean: expected one value, found 3 values"))
  }
}
