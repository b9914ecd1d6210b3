import Foundation
import GraphIR
import TensorCore
import TestSupport
import Testing

@testable import OnnxFormat

@Suite struct DeferredDataTests {
  /// Large tensors, a small one between them, and names of all lengths, so that they stand at any address.
  private func model() -> Model {
    var builder = GraphBuilder()
    var sum = builder.input("x", TensorType(.float32, [1]))
    for (index, count) in [1 << 18, 3, 1 << 19, 1 << 18].enumerated() {
      let values = (0..<count).map { Float($0 &* (index + 3) % 1000) }
      let name = String(repeating: "w", count: index + 1)
      sum = builder.node("Add", [sum, builder.constant(values, [count], name: name)])
    }
    builder.output(sum)
    return builder.model
  }

  @Test func `large tensors of a file are read when they are asked for, as often as they are`()
    throws
  {
    let folder = try TemporaryFolder()
    let model = model()
    let path = folder.path("model.onnx")
    try OnnxWriter.write(model, to: path)
    let read = try OnnxReader.read(path: path, resolver: OpaqueResolver())
    for id in model.graph.valueIDs {
      guard let expected = model.graph[id].constant else { continue }
      let name = model.graph[id].name
      let found = try #require(read.graph.value(named: name).flatMap { read.graph[$0].constant })
      #expect(found == expected, "\(name)")
      found.storage.discard()
      #expect(found == expected, "\(name)")
    }
    // What was read lazily is written as it was.
    let copy = folder.path("copy.onnx")
    try OnnxWriter.write(read, to: copy)
    #expect(FileManager.default.contentsEqual(atPath: copy, andPath: path))
  }

  @Test func `a file that is cut short in use ends the process with status 2 and one line`()
    async throws
  {
    let result = await #expect(
      processExitsWith: .exitCode(2), observing: [\.standardErrorContent]
    ) {
      let folder = try TemporaryFolder()
      let path = folder.path("cut.onnx")
      var builder = GraphBuilder()
      let values = [Float](repeating: 1, count: 1 << 18)
      builder.output(
        builder.node(
          "Add",
          [
            builder.input("x", TensorType(.float32, [1])),
            builder.constant(values, [1 << 18], name: "w"),
          ]))
      try OnnxWriter.write(builder.model, to: path)
      let graph = try OnnxReader.read(path: path, resolver: OpaqueResolver()).graph
      let constant = try #require(graph.value(named: "w").flatMap { graph[$0].constant })
      try FileHandle(forWritingTo: URL(filePath: path)).truncate(atOffset: 64)
      constant.storage.withBytes { _ in }
    }
    let text = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    #expect(text.hasPrefix("error: ") && text.contains("cut.onnx: the file was changed"))
    #expect(text.filter { $0 == "\n" }.count == 1)
  }
}
