import GraphIR
import OnnxFormat
import TensorCore
import TestSupport

/// A folder with small models, made anew for each test.
struct SampleFiles {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// A 4-bit matrix product of width 6, annotated with `finnBits` where given.
  func quantized(_ name: String = "quantized.onnx", finnBits: Int? = nil) throws -> String {
    var builder = GraphBuilder()
    let x = builder.quant(
      builder.input("x", TensorType(.float32, [.symbolic("N"), 2])), scale: 0.125, bits: 4,
      signed: false)
    let weight = builder.quant(
      builder.constant([0.25, -0.75, 0, 0.5], [2, 2]), scale: 0.25, bits: 3, signed: true,
      narrow: true)
    let y = builder.node("MatMul", [x, weight], name: "fc")
    if let finnBits {
      builder.graph[y].annotations = [KeyValue("finn_datatype", "SCALEDINT<\(finnBits)>")]
    }
    builder.output(y)
    let path = folder.path(name)
    try OnnxWriter.write(builder.model, to: path)
    return path
  }

  func text(_ content: String, to name: String) throws -> String {
    try folder.write(Array(content.utf8), to: name)
  }
}
