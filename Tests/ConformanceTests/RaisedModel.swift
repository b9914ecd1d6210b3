import GraphIR
import OnnxFormat
import Operators
import Passes
import TestSupport

/// Models in later opsets than their files have.
enum RaisedModel {
  /// The newest opset that the operators' files speak of.
  static let newestOpset = 25

  /// The graph of a model after it was brought to an opset, written, and read back.
  static func graph(of path: String, opset: Int) throws -> Graph {
    let folder = try TemporaryFolder()
    let raised = folder.path("raised.onnx")
    try write(path, opset: opset, to: raised)
    return try OnnxReader.read(path: raised, resolver: Catalogue()).graph
  }

  /// Brings a model to an opset, and writes it.
  static func write(_ path: String, opset: Int, to output: String) throws {
    var model = try OnnxReader.read(path: path, resolver: Catalogue())
    let from = model.opset(of: "") ?? opset
    _ = try ShapeInference().run(&model.graph)
    _ = try OpsetRaise(from: from, to: opset).run(&model.graph)
    for index in model.opsets.indices {
      guard OpsetImport.canonical(model.opsets[index].domain).isEmpty else { continue }
      model.opsets[index].version = max(from, opset)
    }
    model.irVersion = max(model.irVersion, 10)
    try OnnxWriter.write(model, to: output)
  }
}
