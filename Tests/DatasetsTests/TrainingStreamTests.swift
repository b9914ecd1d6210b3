import Dispatch
import Synchronization
import TensorCore
import TestSupport
import Testing

@testable import Datasets

@Suite struct TrainingStreamTests {
  /// 500 grey images of 8x8 with labels.
  static func digits() throws -> any Dataset {
    try DatasetLoader.open(
      path: Fixtures.path("digits/test.npz"),
      for: request([.symbolic("N"), 1, 8, 8], task: .classification, classCount: 10))
  }

  static let augmentation = Augmentation(flipsHorizontally: true, cropPadding: 1)

  static func stream(
    _ dataset: any Dataset, seed: Int = 7, from start: StreamPosition = StreamPosition(),
    depth: Int = 3
  ) throws -> TrainingStream {
    try TrainingStream(
      dataset, batchSize: 60, seed: seed, augmentation: augmentation, from: start, epochs: 3,
      prefetching: depth)
  }

  static func all(_ stream: TrainingStream) throws -> [TrainingBatch] {
    var result: [TrainingBatch] = []
    while let batch = try stream.next() { result.append(batch) }
    return result
  }

  @Test func `an epoch has each sample once at most, in an order of its own`() throws {
    let batches = try Self.all(try Self.stream(try Self.digits()))
    #expect(batches.count == 3 * 8)
    var orders: Set<[Int]> = []
    for epoch in 0..<3 {
      let ofEpoch = batches.filter { $0.position.epoch == epoch }
      #expect(ofEpoch.map(\.position.batch) == Array(0..<8))
      #expect(ofEpoch.map(\.endsEpoch) == Array(repeating: false, count: 7) + [true])
      let samples = ofEpoch.flatMap(\.samples)
      #expect(Set(samples).count == 480 && samples.allSatisfy { (0..<500).contains($0) })
      orders.insert(samples)
    }
    #expect(orders.count == 3 && !orders.contains(Array(0..<480)))
  }

  @Test func `an epoch of whole batches has every sample`() throws {
    let stream = try TrainingStream(try Self.digits(), batchSize: 125, seed: 0, epochs: 1)
    #expect(stream.batchesPerEpoch == 4)
    #expect(try Self.all(stream).flatMap(\.samples).sorted() == Array(0..<500))
  }

  @Test func `a batch holds its samples and their labels`() throws {
    let dataset = try Self.digits()
    let stream = try TrainingStream(dataset, batchSize: 10, seed: 3)
    let batch = try #require(try stream.next())
    let expected = try dataset.batch(batch.samples)
    #expect(batch.batch.inputs == expected.inputs && batch.batch.labels == expected.labels)
  }

  @Test func `the same position gives the same bytes, for any depth and number of threads`()
    throws
  {
    let dataset = try Self.digits()
    let expected = try Self.all(try Self.stream(dataset)).map(\.batch.inputs)
    #expect(Set(expected).count == 24)
    for (depth, threads) in [(1, 1), (2, 3), (7, 4)] {
      let inputs = try Parallelism.$threadCountOfTask.withValue(threads) {
        try Self.all(try Self.stream(dataset, depth: depth)).map(\.batch.inputs)
      }
      #expect(inputs == expected)
    }
    #expect(try Self.all(try Self.stream(dataset, seed: 8)).map(\.batch.inputs) != expected)
  }

  @Test(arguments: [(0, 5), (1, 0), (1, 7), (2, 3)])
  func `a stream from the middle of an epoch goes on as the whole one`(epoch: Int, batch: Int)
    throws
  {
    let dataset = try Self.digits()
    let whole = try Self.all(try Self.stream(dataset))
    let position = StreamPosition(epoch: epoch, batch: batch)
    let rest = try Self.all(try Self.stream(dataset, from: position))
    #expect(rest.first?.position == position)
    let expected = whole.dropFirst(epoch * 8 + batch)
    #expect(rest.map(\.batch.inputs) == expected.map(\.batch.inputs))
    #expect(rest.map(\.samples) == expected.map(\.samples))
    // The position behind the batch before is where it goes on.
    #expect(whole[epoch * 8 + batch - 1].following == position)
  }

  @Test func `a position behind the last batch begins the next epoch, any other is harmless`()
    throws
  {
    let dataset = try Self.digits()
    let next = try Self.stream(dataset, from: StreamPosition(epoch: 0, batch: 8)).next()
    #expect(next?.position == StreamPosition(epoch: 1))
    #expect(
      try Self.stream(dataset, from: StreamPosition(epoch: .max, batch: .max)).next() == nil)
  }

  @Test func `epochs augment a sample differently`() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(idx([1, 3, 3], (1...9).map(UInt8.init)), to: "images-idx3-ubyte")
    let dataset = try DatasetLoader.open(path: path, for: request([.unknown, 1, 3, 3]))
    let stream = try TrainingStream(
      dataset, batchSize: 1, seed: 0, augmentation: Self.augmentation, epochs: 60)
    let images = Set(try Self.all(stream).map { $0.batch.inputs[0].sample(0) })
    // Two mirrorings of nine shifts.
    #expect((12...18).contains(images.count))
  }

  @Test func `data smaller than a batch repeats to fill it`() throws {
    let dataset = CountedDataset(count: 3)
    let stream = try TrainingStream(dataset, batchSize: 8, seed: 0, epochs: 2)
    #expect(stream.batchesPerEpoch == 1)
    for batch in try Self.all(stream) {
      #expect(batch.batch.count == 8)
      #expect(Set(batch.samples[..<3]) == [0, 1, 2])
      #expect(Array(batch.samples[3..<6]) == Array(batch.samples[..<3]))
    }
  }

  @Test func `no more batches are read ahead than the depth`() throws {
    let dataset = CountedDataset(count: 100)
    let stream = try TrainingStream(dataset, batchSize: 1, seed: 0, prefetching: 4)
    for taken in 0..<20 {
      #expect(dataset.readCount(reaching: taken + 4) == taken + 4)
      _ = try stream.next()
    }
  }

  @Test func `an error comes with its batch, and the next batch after it`() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("x.npy")
    try NpyFile.write(Tensor([1, .nan, 3] as [Float], shape: [3, 1]), to: path)
    let dataset = try DatasetLoader.open(path: path, for: request([.unknown, 1]))
    let stream = try TrainingStream(dataset, batchSize: 1, seed: 1, epochs: 4)
    var failures = 0
    var batches = 0
    for _ in 0..<12 {
      do throws(DatasetError) {
        if try stream.next() != nil { batches += 1 }
      } catch {
        #expect(error == .nonFinite(path: path, field: "x", sample: 1))
        failures += 1
      }
    }
    #expect(failures == 4 && batches == 8)
    #expect(try stream.next() == nil)
  }

  @Test func `what can't be augmented or stacked is refused before anything is read`() throws {
    let dataset = try Self.digits()
    #expect(throws: DatasetError.self) {
      try TrainingStream(dataset, batchSize: 4, seed: 0, augmentation: Augmentation(brightness: 1))
    }
    let folder = try ImageDatasetTests.classFolders(["a": ["rgb.png", "two-pixels.png"]])
    let images = try DatasetLoader.open(path: folder.url.path, for: .anyColor)
    #expect(
      throws: DatasetError.mixedShapes(
        path: folder.url.path, first: [3, 29, 37], other: [3, 1, 2])
    ) { try TrainingStream(images, batchSize: 2, seed: 0) }
    let single = try TrainingStream(images, batchSize: 1, seed: 0, epochs: 1)
    #expect(try Self.all(single).count == 2)
  }
}

/// Single numbers; counts how often a batch was read.
private struct CountedDataset: Dataset {
  final class Counter: Sendable {
    let reads = Mutex(0)
    let arrival = DispatchSemaphore(value: 0)
  }

  let count: Int
  private let counter = Counter()

  init(count: Int) { self.count = count }

  /// Waits until as many batches were read, and a little longer for one too many.
  func readCount(reaching number: Int) -> Int {
    while counter.reads.withLock({ $0 }) < number {
      guard counter.arrival.wait(timeout: .now() + 30) == .success else { break }
    }
    _ = counter.arrival.wait(timeout: .now() + 0.02)
    return counter.reads.withLock { $0 }
  }

  var path: String { "numbers" }
  var reference: DatasetReference { .none }
  var classNames: [String]? { nil }

  func sampleShape(at index: Int) -> [Int] { [1] }

  func batch(
    _ indices: [Int], augmented draws: AugmentationDraws?, reading: BatchReading
  ) -> Batch {
    counter.reads.withLock { $0 += 1 }
    counter.arrival.signal()
    return Batch(inputs: [Tensor(indices.map(Float.init), shape: [indices.count, 1])])
  }

  func require(_ augmentation: Augmentation, batchSize: Int) {}
}
