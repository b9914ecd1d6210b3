import Foundation
import TensorCore
import TestSupport
import Testing

@testable import Datasets

/// Samples in memory that are written to a folder, and read from it as any data is.
@Suite struct SampleFolderTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private let a = DatasetRequest.Input(
    name: "in/a", type: TensorType(.float32, [.symbolic("n"), .fixed(2)]))
  private let b = DatasetRequest.Input(
    name: "b", type: TensorType(.int64, [.symbolic("n"), .fixed(1)]))

  private func batch(_ first: Int, _ count: Int) -> SampleFolder.Batch {
    let numbers = (first..<first + count)
    return SampleFolder.Batch(
      inputs: [
        ("in/a", Tensor(numbers.flatMap { [Float($0), Float(-$0)] }, shape: [count, 2])),
        ("b", Tensor(numbers.map { Int64($0 * 10) }, shape: [count, 1])),
      ], reference: Tensor(numbers.map { Int32($0 % 3) }, shape: [count]))
  }

  @Test func `batches of any size are stacked, with labels`() throws {
    let writer = SampleFolder(path: folder.url.path, isStacked: true)
    for (first, count) in [(0, 1), (1, 7), (8, 3)] { try writer.append(batch(first, count)) }
    try writer.finish()
    #expect(writer.count == 11)
    #expect(try folder.contents() == ["b.npy", "in_a.npy", "y.npy"])
    let dataset = try DatasetLoader.open(
      path: folder.url.path, for: DatasetRequest(inputs: [a, b]))
    #expect(dataset.count == 11 && dataset.reference == .labels && dataset.isStackable)
    let read = try dataset.batch([10, 0, 4])
    #expect(read.inputs[0].elements(of: Float.self) == [10, -10, 0, 0, 4, -4])
    #expect(read.inputs[1].integers() == [100, 0, 40])
    #expect(read.labels == [1, 0, 1])
  }

  @Test func `an only input may be without a name`() throws {
    let writer = SampleFolder(path: folder.url.path, isStacked: true)
    try writer.append(
      SampleFolder.Batch(inputs: [("", Tensor([1, 2, 3, 4] as [Float], shape: [2, 2]))]))
    try writer.finish()
    let dataset = try DatasetLoader.open(path: folder.url.path, for: DatasetRequest(inputs: [a]))
    #expect(try dataset.batch([1]).inputs[0].elements(of: Float.self) == [3, 4])
  }

  @Test func `samples of other shapes are files of their own`() throws {
    let writer = SampleFolder(path: folder.url.path, isStacked: false)
    let input = DatasetRequest.Input(
      name: "s", type: TensorType(.float32, [.symbolic("b"), .symbolic("t")]))
    for length in [3, 5, 4] {
      try writer.append(
        SampleFolder.Batch(
          inputs: [("s", Tensor((0..<length).map { Float($0) }, shape: [1, length]))]))
    }
    try writer.finish()
    let dataset = try DatasetLoader.open(
      path: folder.url.path, for: DatasetRequest(inputs: [input]))
    #expect(dataset.count == 3)
    #expect(try dataset.batch([1]).inputs[0].shape == [1, 5])
  }

  @Test func `what doesn't go together is refused`() throws {
    let writer = SampleFolder(path: folder.url.path, isStacked: true)
    #expect(throws: DatasetError.self) { try writer.finish() }
    try writer.append(batch(0, 2))
    var other = batch(2, 2)
    other.reference = nil
    #expect(throws: DatasetError.self) { try writer.append(other) }
    other = batch(2, 2)
    other.inputs[0].tensor = Tensor([1, 2, 3] as [Float], shape: [3, 1])
    #expect(throws: DatasetError.self) { try writer.append(other) }
    other.inputs[0].tensor = Tensor([1, 2] as [Float], shape: [2, 1])
    #expect(throws: DatasetError.mixedShapes(path: "samples", first: [2], other: [1])) {
      try writer.append(other)
    }
    other.inputs = [("a/b", other.inputs[0].tensor), ("a:b", other.inputs[0].tensor)]
    #expect(throws: DatasetError.self) { try writer.append(other) }
  }
}
