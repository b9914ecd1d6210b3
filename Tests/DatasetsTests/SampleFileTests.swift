import Foundation
import TensorCore
import TestSupport
import Testing

@testable import Datasets

/// Samples that are a `.npz` file each.
@Suite struct SampleFileTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// Writes a sample with these arrays.
  private func write(_ name: String, _ arrays: [(String, Tensor)]) throws {
    var entries: [(name: String, content: Data)] = []
    for (field, tensor) in arrays {
      let path = folder.path("array.npy")
      try NpyFile.write(tensor, to: path)
      entries.append((field + ".npy", try Data(contentsOf: URL(filePath: path))))
    }
    try FileManager.default.createDirectory(
      atPath: folder.path("samples"), withIntermediateDirectories: true)
    try StoredZip.encode(entries).write(to: URL(filePath: folder.path("samples/\(name).npz")))
  }

  private func open(_ inputs: [DatasetRequest.Input], constants: [String: ConstantInput] = [:])
    throws -> any Dataset
  {
    var request = DatasetRequest(inputs: inputs)
    request.constants = constants
    return try DatasetLoader.open(path: folder.path("samples"), for: request)
  }

  private static let ids = DatasetRequest.Input(
    name: "ids", type: TensorType(.int64, [.symbolic("b"), .symbolic("s")]))
  private static let mask = DatasetRequest.Input(
    name: "mask", type: TensorType(.bool, [.symbolic("b"), .symbolic("s")]))

  @Test func `each sample gives every input in the model's type, and its label`() throws {
    for (index, length) in [3, 3, 2].enumerated() {
      try write(
        "s\(index)",
        [
          ("ids", Tensor((0..<length).map { Int32(10 * index + $0) }, shape: [1, length])),
          ("mask", Tensor([UInt8](repeating: 1, count: length), shape: [1, length])),
          ("y", Tensor([Int64(index)], shape: [])),
        ])
    }
    let dataset = try open([Self.ids, Self.mask])
    #expect(dataset.count == 3 && dataset.reference == .labels && dataset.isStackable)
    let batch = try dataset.batch([1, 0])
    #expect(batch.inputs[0].shape == [2, 3] && batch.inputs[0].elementType == .int64)
    #expect(batch.inputs[0].integers() == [10, 11, 12, 0, 1, 2])
    #expect(batch.inputs[1].elementType == .bool)
    #expect(batch.labels == [1, 0] && batch.count == 2)
    // Samples of another length make a batch of their own.
    #expect(BatchStream.sequentialPlan(dataset, batchSize: 8) == [[0, 1], [2]])
  }

  @Test func `a first dimension that counts something else keeps samples apart`() throws {
    let nodes = DatasetRequest.Input(
      name: "nodes", type: TensorType(.float32, [.symbolic("n"), 2]))
    for index in 0..<2 {
      try write("g\(index)", [("nodes", Tensor([Float](repeating: 1, count: 8), shape: [4, 2]))])
    }
    let dataset = try open([nodes])
    #expect(!dataset.isStackable)
    #expect(BatchStream.sequentialPlan(dataset, batchSize: 8) == [[0], [1]])
    let batch = try dataset.batch([1])
    #expect(batch.inputs[0].shape == [4, 2] && batch.count == 1)
  }

  @Test func `an input that the samples lack is constant, of the size of the others`() throws {
    try write("a", [("ids", Tensor([Int64](repeating: 7, count: 5), shape: [1, 5]))])
    let dataset = try open([Self.mask, Self.ids], constants: ["mask": .number(1)])
    let batch = try dataset.batch([0])
    #expect(batch.inputs.map(\.shape) == [[1, 5], [1, 5]])
    #expect(batch.inputs[0].integers() == [1, 1, 1, 1, 1])
    #expect(throws: DatasetError.self) {
      _ = try open([Self.ids], constants: ["other": .number(1)])
    }
  }

  @Test func `what doesn't fit the model is refused with its file and field`() throws {
    try write("a", [("ids", Tensor([Float(0.5)], shape: [1, 1]))])
    let path = folder.path("samples/a.npz")
    let dataset = try open([Self.ids])
    #expect(
      throws: DatasetError.elementType(
        path: path, field: "ids", expected: "values of int64", actual: "float")
    ) { _ = try dataset.batch([0]) }
    #expect(
      throws: DatasetError.missingEntry(path: path, entry: "mask", found: ["ids"])
    ) { _ = try open([Self.ids, Self.mask]) }
    let wide = DatasetRequest.Input(name: "ids", type: TensorType(.float32, shape: [1, 2]))
    #expect(throws: DatasetError.self) { _ = try open([wide]) }
  }

  @Test func `rows of integers go into an input of integers`() throws {
    let path = folder.path("rows.npy")
    try NpyFile.write(Tensor([Int32](0..<6), shape: [2, 3]), to: path)
    let dataset = try DatasetLoader.open(path: path, for: DatasetRequest(inputs: [Self.ids]))
    let batch = try dataset.batch([1])
    #expect(batch.inputs[0].elementType == .int64 && batch.inputs[0].integers() == [3, 4, 5])
  }
}
