import Foundation
import OnnxFormat
import TensorCore
import TestSupport
import Testing

@Suite struct RunCommandTests {
  let files: SampleFiles

  init() throws { files = try SampleFiles() }

  private func input(_ name: String = "x.pb") throws -> String {
    let path = files.folder.path(name)
    try TensorFile.write(Tensor([0.5, 1, 0.25, 100] as [Float], shape: [2, 2]), to: path)
    return path
  }

  @Test func `outputs are written under their names`() throws {
    let model = try files.quantized()
    let folder = files.folder.path("some/where")
    let run = try SnugProcess(
      "run", model, "--input", "x=\(try input())", "--output-dir", folder)
    #expect(run.status == 0)
    #expect(run.error.isEmpty)
    let array = try #require(NumpyFile(URL(filePath: folder).appending(path: "fc_out.npy")))
    #expect(array.shape == [2, 2])
    // By hand: 100 saturates at 15 steps of 0.125; the weights are 0.25, -0.75, 0 and 0.5.
    #expect(array.floats == [0.125, 0.125, 0.0625, 0.75])
  }

  @Test func `the result as JSON names files, types and shapes`() throws {
    let folder = files.folder.path("out")
    let document = try SnugProcess(
      "run", try files.quantized(), "--input", "x=\(try input())", "--output-dir", folder, "--json"
    ).json()
    let output = try #require((document["outputs"] as? [[String: Any]])?.first)
    #expect(output["name"] as? String == "fc_out")
    #expect(output["file"] as? String == "\(folder)/fc_out.npy")
    #expect(output["element_type"] as? String == "float")
    #expect(output["shape"] as? [Int] == [2, 2])
  }

  @Test func `slashes and colons in an output's name become underscores`() throws {
    var builder = GraphBuilder()
    let x = builder.input("a/b:0", TensorType(.float32, [2]))
    let y = builder.node("Relu", [x], name: "scope/relu:0")
    builder.output(y)
    let model = files.folder.path("names.onnx")
    try OnnxWriter.write(builder.model, to: model)
    let tensor = files.folder.path("x.pb")
    try TensorFile.write(Tensor([-1, 1] as [Float], shape: [2]), to: tensor)
    let folder = files.folder.path("out")
    let run = try SnugProcess(
      "run", model, "--input", "a/b:0=\(tensor)", "--output-dir", folder)
    #expect(run.error.isEmpty)
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: folder) == ["scope_relu_0_out.npy"])
  }
}
