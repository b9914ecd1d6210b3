import Datasets
import Foundation
import Snug
import TensorCore
import TestSupport
import Testing

/// Small quantized files that Brevitas and onnxruntime wrote, with the outputs of onnxruntime or qonnx.
@Suite struct ForeignFileTests {
  static let names: [String] = {
    let folder = Fixtures.root.appending(path: "foreign")
    let files = try? FileManager.default.contentsOfDirectory(atPath: folder.path)
    return (files ?? []).filter { $0.hasSuffix(".onnx") }.map { String($0.dropLast(5)) }.sorted()
  }()

  /// Layers that no analysis of the file can know the integers of, by what the tool left in floats.
  static let floatLayers = ["ort-dynamic-int8-per-channel": 2]

  private func file(_ name: String) -> ModelFile {
    ModelFile(Fixtures.path("foreign/\(name).onnx"))
  }

  /// The largest deviation from the stored outputs over their largest magnitude.
  private func deviation(_ file: ModelFile, _ name: String) throws -> Float {
    let input = try NpyFile.read(Fixtures.path("foreign/\(name).input.npy"))
    let expected = try NpyFile.read(Fixtures.path("foreign/\(name).output.npy"))
    let graph = try file.load().graph
    let results = try file.run([graph[graph.inputs[0]].name: input])
    let output = try #require(results.first).tensor
    try #require(output.shape == expected.shape)
    let (mine, theirs) = (output.elements(of: Float.self), expected.elements(of: Float.self))
    let largest = theirs.map(\.magnitude).max() ?? 1
    return (zip(mine, theirs).map { ($0 - $1).magnitude }.max() ?? 0) / largest
  }

  @Test func `the files are there`() { #expect(Self.names.count >= 20) }

  @Test(arguments: names)
  func `another tool's file is executed as that tool executes it`(_ name: String) throws {
    #expect(try deviation(file(name), name) <= 1e-5)
  }

  @Test(arguments: names)
  func `the accumulators of another tool's file are analysed`(_ name: String) throws {
    let result = try file(name).verify(accumulatorBits: 32).result
    #expect(result.layers.count >= 2)
    let unknown = result.layers.filter { $0.layer.requiredBits == nil }
    #expect(unknown.count == Self.floatLayers[name] ?? 0)
    // One bit less than a layer needs is refuted, by sums that a reader of the file can check.
    for verdict in result.layers {
      guard let bits = verdict.layer.requiredBits, bits > 1 else { continue }
      let refuted = try file(name).verify(accumulatorBits: bits - 1).result.layers
      let same = try #require(refuted.first { $0.layer.name == verdict.layer.name })
      #expect(!same.isCertified, "\(verdict.layer.name)")
    }
  }

  /// What a format has no form for, by the file's name.
  private static func refuses(_ format: ExportFormat, _ name: String) -> Bool {
    // Scales that are computed; QONNX has constant ones.
    format == .qonnx && name.hasPrefix("ort-dynamic")
  }

  @Test(arguments: names, [ExportFormat.qonnx, .qcdq, .integer])
  func `another tool's file is exported alike`(_ name: String, _ format: ExportFormat) throws {
    let folder = try TemporaryFolder()
    let output = folder.path("out.onnx")
    guard !Self.refuses(format, name) else {
      #expect(throws: SnugError.self) {
        _ = try file(name).export(to: output, ExportOptions(format: format))
      }
      return
    }
    let before = try file(name).inspect().result
    let summary = try file(name).export(to: output, ExportOptions(format: format))
    #expect(try deviation(ModelFile(output), name) <= 1e-5)
    #expect(
      summary.report.result.layers.map(\.layer.requiredBits)
        == before.layers.map(\.layer.requiredBits))
  }
}
