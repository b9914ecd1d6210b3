import TensorCore
import TestSupport
import Testing

@testable import Datasets

@Suite struct BatchStreamTests {
  @Test func `batches come in order, the last one shorter`() throws {
    let dataset = try DatasetLoader.open(
      path: Fixtures.path("arrays/stored.npz"), for: request([.unknown, 2, 3, 4]))
    let plan = BatchStream.sequentialPlan(dataset, batchSize: 4)
    #expect(plan == [[0, 1, 2, 3], [4, 5]])
    #expect(BatchStream.sequentialPlan(dataset, batchSize: 4, limit: 3) == [[0, 1, 2]])
    let stream = BatchStream(dataset, plan: plan)
    var labels: [[Int]] = []
    while let batch = try stream.next() { labels.append(try #require(batch.labels)) }
    #expect(labels == [[3, 1, 4, 1], [5, 9]])
  }

  @Test func `an error comes with its batch, and the next batch after it`() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("x.npy")
    try NpyFile.write(Tensor([1, .nan, 3] as [Float], shape: [3, 1]), to: path)
    let dataset = try DatasetLoader.open(path: path, for: request([.unknown, 1]))
    let stream = BatchStream(dataset, plan: [[0], [1], [2]])
    #expect(try stream.next()?.count == 1)
    #expect(throws: DatasetError.nonFinite(path: path, field: "x", sample: 1)) { try stream.next() }
    #expect(try stream.next()?.inputs[0].elements(of: Float.self) == [3])
  }
}
