import Foundation
import Snug
import TestSupport
import Testing

/// Whole runs of float models.
@Suite struct RunTests {
  @Test(.enabled(if: Fixtures.shared != nil))
  func `the model zoo's digit classifier gives the output that was recorded with it`() throws {
    let folder = try #require(Fixtures.shared).appending(path: "models")
    func tensor(_ name: String) throws -> Tensor {
      try TensorFiles.read(folder.appending(path: "mnist-conv-data/\(name).pb").path)
    }
    let model = ModelFile(folder.appending(path: "mnist-conv.onnx").path)
    let outputs = try model.run(["Input3": try tensor("input_0")])
    #expect(outputs.map(\.name) == ["Plus214_Output_0"])
    try expectEqual(try #require(outputs.first).tensor, try tensor("output_0"), within: 1e-4)
  }

  @Test(
    .enabled(if: Peers.python != nil, Comment(rawValue: Peers.hint)),
    arguments: [("float16", ElementType.float16, Float(1e-3)), ("double", .float64, 1e-6)])
  func `a model of another precision takes and gives that precision`(
    _ name: String, _ type: ElementType, _ tolerance: Float
  ) throws {
    let models = try BuiltModels()
    let (model, twin) = (try models[name], try models["\(name)-twin"])
    let x = model.samples(3, seed: 5)
    let output = try #require(try ModelFile(model.path).run(["x": x]).first).tensor
    #expect(output.elementType == type)
    let expected = try #require(try ModelFile(twin.path).run(["x": x]).first).tensor
    try expectEqual(try #require(output.convertedToFloat()), expected, within: tolerance)
  }

  private func expectEqual(_ actual: Tensor, _ expected: Tensor, within tolerance: Float) throws {
    try #require(actual.shape == expected.shape)
    let (a, e) = (actual.elements(of: Float.self), expected.elements(of: Float.self))
    let largest = try #require(e.map(\.magnitude).max())
    #expect(zip(a, e).allSatisfy { ($0 - $1).magnitude <= tolerance * largest })
  }
}
