import Datasets
import Foundation
import GraphIR
import OnnxFormat
import Snug
import TensorCore
import TestSupport
import Testing

/// Small models, each of a kind that real files hold and that was once refused or computed wrongly: `fixtures/cases`.
@Suite struct CaseTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var kind: String
    var name: String
    var testDescription: String { "\(kind)/\(name)" }
    var folder: String { Fixtures.path("cases/\(kind)/\(name)") }
    var model: ModelFile { ModelFile(folder + "/model.onnx") }

    /// The inputs by name, and what onnxruntime computes of them.
    func load() throws -> (inputs: [String: Tensor], outputs: [Tensor]) {
      let graph = try OnnxReader.read(path: model.path, resolver: OpaqueResolver()).graph
      var inputs: [String: Tensor] = [:]
      for (index, input) in graph.inputs.enumerated() {
        inputs[graph[input].name] = try TensorFile.read(path: folder + "/input_\(index).pb")
      }
      return (
        inputs,
        try graph.outputs.indices.map { try TensorFile.read(path: folder + "/output_\($0).pb") }
      )
    }
  }

  static let all: [Case] = {
    func contents(_ path: String) -> [String] {
      (try? FileManager.default.contentsOfDirectory(atPath: Fixtures.path(path)))?.sorted() ?? []
    }
    return contents("cases").flatMap { kind in
      contents("cases/\(kind)").map { Case(kind: kind, name: $0) }
    }
  }()

  /// Those with layers and samples to convert with.
  static let convertible = all.filter {
    [
      "additive_mask", "batch_one_inside", "block_weights", "dead_channels", "graph_inputs",
      "images",
      "input_types", "recurrent", "small_ranges", "symbolic_attention",
    ].contains($0.kind)
  }

  @Test(arguments: all) func `a file computes what onnxruntime computes`(_ recorded: Case) throws {
    let (inputs, outputs) = try recorded.load()
    let results = try recorded.model.run(inputs)
    #expect(results.count == outputs.count)
    for (result, expected) in zip(results, outputs) {
      #expect(result.tensor.shape == expected.shape)
      try Self.compare(result.tensor, expected, within: 1e-5)
    }
  }

  /// 8-bit integers are near enough to the float model that another kind of error would show.
  @Test(arguments: convertible) func `a file is converted, certified, and computes nearly the same`(
    _ recorded: Case
  ) throws {
    let (inputs, outputs) = try recorded.load()
    let folder = try TemporaryFolder()
    let options = try Self.options(samples: inputs, in: folder)
    let output = folder.path("out.onnx")
    let summary = try recorded.model.convert(to: output, options)
    #expect(summary.report.result.isCertified, "\(summary.report.result.findings)")
    #expect(summary.unheld.filter { !$0.isByOptions } == [])
    for (result, expected) in zip(try ModelFile(output).run(inputs), outputs) {
      try Self.compare(result.tensor, expected, within: 0.06)
    }
  }

  @Test(arguments: ["nested_8000", "nested_16000"])
  func `the branch that a constant input takes is converted, and the note says so`(_ name: String)
    throws
  {
    let recorded = Case(kind: "branches", name: name)
    var (inputs, outputs) = try recorded.load()
    let given = inputs.removeValue(forKey: "rate")
    let rate = try #require(given)
    let folder = try TemporaryFolder()
    var options = try Self.options(samples: inputs, in: folder)
    let number = try #require(rate.elements(of: Int64.self).first)
    options.preprocessing.constants = ["rate=\(number)"]
    options.shapes = ["x=1x6x4"]
    let output = folder.path("out.onnx")
    let summary = try recorded.model.convert(to: output, options)
    #expect(summary.report.result.isCertified, "\(summary.report.result.findings)")
    #expect(summary.report.result.layers.map(\.layer.dotLength) == [4])
    #expect(summary.remarks.contains { $0.contains("'rate'") })
    // The input stays, and decides nothing any more.
    for given in [number, 24_000 - number] {
      inputs["rate"] = Tensor(scalar: given)
      for (result, expected) in zip(try ModelFile(output).run(inputs), outputs) {
        try Self.compare(result.tensor, expected, within: 0.06)
      }
    }
  }

  /// What converts at 8 bits with a folder of one sample.
  private static func options(samples inputs: [String: Tensor], in folder: TemporaryFolder) throws
    -> ConversionOptions
  {
    try FileManager.default.createDirectory(
      atPath: folder.path("samples"), withIntermediateDirectories: true)
    var entries: [(name: String, content: Data)] = []
    for (name, tensor) in inputs.sorted(by: { $0.key < $1.key }) {
      try NpyFile.write(tensor, to: folder.path("array.npy"))
      entries.append(
        (name + ".npy", try Data(contentsOf: URL(filePath: folder.path("array.npy")))))
    }
    try StoredZip.encode(entries).write(to: URL(filePath: folder.path("samples/only.npz")))
    var options = ConversionOptions()
    options.data = folder.path("samples")
    options.recipe.weightBits = 8
    options.recipe.activationBits = 8
    options.recipe.accumulatorBits = 24
    return options
  }

  /// - Parameter tolerance: as a part of the largest magnitude.
  private static func compare(_ actual: Tensor, _ expected: Tensor, within tolerance: Float) throws
  {
    let x = try #require(actual.convertedToFloat()).elements(of: Float.self)
    let y = try #require(expected.convertedToFloat()).elements(of: Float.self)
    #expect(x.count == y.count)
    let largest = y.filter(\.isFinite).map(\.magnitude).max() ?? 0
    for (a, b) in zip(x, y) {
      let isSame = a == b || a.isNaN && b.isNaN || abs(a - b) <= tolerance * largest
      #expect(isSame, "\(a) for \(b)")
      if !isSame { return }
    }
  }
}
