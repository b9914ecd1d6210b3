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

  /// Writes a model with a constant `big` of a million bytes and more at an offset in `cut.data`.
  private static func writeExternal(to folder: TemporaryFolder, _ values: [Float]) throws -> String
  {
    var model = ModelBytes()
    model.initializers.append(
      ModelBytes.tensor("big", dims: [values.count], type: 1) { tensor in
        for (key, value) in [("location", "cut.data"), ("offset", "12")] {
          tensor.message(13) {
            $0.string(1, key)
            $0.string(2, value)
          }
        }
        tensor.int(14, 1)
      })
    let bytes = [UInt8](repeating: 0, count: 12) + values.withUnsafeBytes { Array($0) }
    _ = try folder.write(bytes, to: "cut.data")
    return try folder.write(model.bytes, to: "model.onnx")
  }

  @Test func `external data is read when it is asked for, as often as it is`() throws {
    let folder = try TemporaryFolder()
    let values = (0..<1 << 18).map { Float($0 % 1009) }
    let path = try Self.writeExternal(to: folder, values)
    let graph = try OnnxReader.read(path: path, resolver: OpaqueResolver()).graph
    let constant = try #require(graph.value(named: "big").flatMap { graph[$0].constant })
    #expect(constant.elements(of: Float.self) == values)
    constant.storage.discard()
    // Replacing the file by another one of its name changes nothing.
    try FileManager.default.removeItem(atPath: folder.path("cut.data"))
    _ = try folder.write([1, 2, 3], to: "cut.data")
    #expect(constant.elements(of: Float.self) == values)
  }

  @Test func `external data that is cut short in use ends the process with status 2 and one line`()
    async throws
  {
    let result = await #expect(
      processExitsWith: .exitCode(2), observing: [\.standardErrorContent]
    ) {
      let folder = try TemporaryFolder()
      let values = [Float](repeating: 1, count: 1 << 18)
      let path = try Self.writeExternal(to: folder, values)
      let graph = try OnnxReader.read(path: path, resolver: OpaqueResolver()).graph
      let constant = try #require(graph.value(named: "big").flatMap { graph[$0].constant })
      // Within a page, which a mapping would have filled with zeros.
      try FileHandle(forWritingTo: URL(filePath: folder.path("cut.data"))).truncate(
        atOffset: UInt64(12 + 4 * values.count - 8))
      constant.storage.withBytes { _ in }
    }
    let text = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    #expect(text.hasPrefix("error: ") && text.contains("cut.data: the file was changed"))
    #expect(text.filter { $0 == "\n" }.count == 1)
  }

  @Test func `models with more files than a process may open are read`() throws {
    let folder = try TemporaryFolder()
    var model = ModelBytes()
    for index in 0..<1500 {
      let name = "w\(index)"
      _ = try folder.write([UInt8(index % 251), 0, 0, 0], to: name)
      model.initializers.append(
        ModelBytes.tensor(name, dims: [1], type: 6) { tensor in
          tensor.message(13) {
            $0.string(1, "location")
            $0.string(2, name)
          }
          tensor.int(14, 1)
        })
    }
    let path = try folder.write(model.bytes, to: "many.onnx")
    let graph = try OnnxReader.read(path: path, resolver: OpaqueResolver()).graph
    for index in [0, 255, 256, 1499] {
      let constant = try #require(graph.value(named: "w\(index)").flatMap { graph[$0].constant })
      #expect(constant.elements(of: Int32.self) == [Int32(index % 251)])
    }
  }
}
