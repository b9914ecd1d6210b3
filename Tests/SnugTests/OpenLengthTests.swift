import GraphIR
import OnnxFormat
import Snug
import TensorCore
import TestSupport
import Testing

/// Conversions of attention whose batch and sequence are open.
@Suite struct OpenLengthTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// `MatMul(Q, K^T)` of one value of 0 to 1, reshaped to (b, t, 3, -1) with the first two sizes from `Shape` of itself, or
  /// of a mask whose type has the same symbols.
  private func file(sizesOfMask: Bool) throws -> ModelFile {
    var builder = GraphBuilder()
    let sizes: [Dimension] = [.symbolic("b"), .symbolic("t")]
    let input = builder.input("x", TensorType(.float32, sizes + [48]))
    let weight = builder.constant((0..<48 * 48).map { Float($0 % 7 - 3) / 8 }, [48, 48])
    let hidden = builder.node(
      "MatMul", [builder.node("Sigmoid", [input], name: "first"), weight], name: "linear")
    let x = builder.node("Sigmoid", [hidden])
    let mask = builder.input("mask", TensorType(.float32, sizes))
    let shape = builder.node("Shape", [sizesOfMask ? mask : x], [Attribute("end", .int(2))])
    let heads = builder.constant(of: [Int64(3), -1], [2])
    let target = builder.node("Concat", [shape, heads], [Attribute("axis", .int(0))])
    let operands = [("q", [0, 2, 1, 3]), ("k", [0, 2, 3, 1])].map {
      (name: String, order: [Int64]) in
      let reshaped = builder.node("Reshape", [x, target], name: name)
      return builder.node(
        "Transpose", [reshaped], [Attribute("perm", .ints(order))], name: name + "t")
    }
    let scores = builder.node("MatMul", operands, name: "QK")
    builder.output(scores)
    builder.output(builder.node("Relu", [mask]))
    let path = folder.path("\(sizesOfMask).onnx")
    try OnnxWriter.write(builder.model, to: path)
    return ModelFile(path)
  }

  @Test func `a length that follows from the operand's own Shape is certified`() throws {
    let summary = try file(sizesOfMask: false).convert(to: folder.path("out.onnx"))
    let unheld = summary.unheld.filter { !$0.isByOptions }
    #expect(unheld.isEmpty)
    let result = try ModelFile(folder.path("out.onnx")).verify().result
    #expect(result.isCertified)
    let product = try #require(result.layers.first { $0.layer.name == "QK" })
    #expect(product.targetBits == 16)
    #expect(product.layer.dotLength == 16)
  }

  @Test func `a length that only symbols of the file tell is reported as not held`() throws {
    let summary = try file(sizesOfMask: true).convert(to: folder.path("out.onnx"))
    let unheld = summary.unheld.filter { !$0.isByOptions }
    #expect(unheld.map(\.name) == ["QK"])
    let reason = try #require(unheld.first).reason
    #expect(reason.contains("depends on dimension 3 of 'q_out'"), "\(reason)")
    let result = try ModelFile(folder.path("out.onnx")).verify().result
    #expect(!result.isCertified && !result.isRefuted)
    let product = try #require(result.layers.first { $0.layer.name == "QK" })
    #expect(product.targetBits == nil)
  }
}
