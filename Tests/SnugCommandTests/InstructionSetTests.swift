import Foundation
import GraphIR
import OnnxFormat
import TensorCore
import TestSupport
import Testing

/// oneDNN held to fewer instructions than this CPU has, by the variable with which it is told so.
@Suite struct InstructionSetTests {
  static let sets = ["SSE41", "AVX2", "AVX512_CORE"]
  let folder: TemporaryFolder
  let model = Fixtures.path("digits/model.onnx")

  init() throws { folder = try TemporaryFolder() }

  private func snug(_ arguments: [String], _ set: String?) throws {
    let environment = set.map { ["ONEDNN_MAX_CPU_ISA": $0, "DNNL_MAX_CPU_ISA": $0] } ?? [:]
    let run = try SnugProcess(arguments, environment: environment)
    try #require(run.status == 0, "\(run.error)")
  }

  private func isClose(_ a: [Float], _ b: [Float]) -> Bool {
    let largest = b.map(\.magnitude).max() ?? 0
    return a.count == b.count && zip(a, b).allSatisfy { abs($0 - $1) <= 1e-5 * largest }
  }

  @Test(arguments: sets)
  func `a model computes the same up to rounding`(set: String) throws {
    let x = (0..<4 * 64).map { Float($0 * 37 % 101) / 101 }
    let input = folder.path("x.pb")
    try TensorFile.write(Tensor(x, shape: [4, 1, 8, 8]), to: input)
    func run(_ set: String?) throws -> [Float] {
      let output = folder.path(set ?? "all")
      try snug(["run", model, "--input", "input=\(input)", "--output-dir", output], set)
      let file = URL(filePath: output).appending(path: "logits.npy")
      let array = try #require(NumpyFile(file))
      return try #require(array.floats)
    }
    #expect(isClose(try run(set), try run(nil)))
  }

  @Test(arguments: sets)
  func `a conversion gives the same integers, and the same scales up to rounding`(set: String)
    throws
  {
    func convert(_ set: String?) throws -> Graph {
      let output = folder.path("\(set ?? "all").onnx")
      try snug(
        [
          "convert", model, "-o", output, "--data", Fixtures.path("digits/calibration.npz"),
          "--calibration-samples", "16", "--accumulator-bits", "16", "--refine", "none",
          "--bias-correction", "off", "--threads", "1",
        ], set)
      return try OnnxReader.read(path: output, resolver: OpaqueResolver()).graph
    }
    let (limited, full) = (try convert(set), try convert(nil))
    func weights(_ graph: Graph) -> [Tensor] {
      graph.nodeIDs.filter { graph[$0].op.type == "Quant" }
        .compactMap { graph[$0].inputs[0].flatMap { graph[$0].constant } }
    }
    // Integer times a scale that follows from the weights alone.
    #expect(!weights(full).isEmpty && weights(limited) == weights(full))
    for id in full.valueIDs {
      guard let expected = full[id].constant, expected.elementType == .float32 else { continue }
      let name = full[id].name
      let found = try #require(limited.value(named: name).flatMap { limited[$0].constant })
      #expect(
        isClose(found.elements(of: Float.self), expected.elements(of: Float.self)), "\(name)")
    }
  }
}
