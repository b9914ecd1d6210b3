import TensorCore
import TestSupport
import Testing

@testable import Datasets

@Suite struct AugmentedBatchTests {
  /// An IDX file of one image.
  static func grey(
    _ folder: TemporaryFolder, _ rows: [[UInt8]], mean: Double = 0
  ) throws -> any Dataset {
    let path = try folder.write(
      idx([1, rows.count, rows[0].count], rows.flatMap { $0 }), to: "images-idx3-ubyte")
    return try DatasetLoader.open(
      path: path,
      for: request(
        [.unknown, 1, .fixed(rows.count), .fixed(rows[0].count)],
        normalization: Normalization(mean: [mean])))
  }

  /// The distinct results of many seeds.
  static func results(
    _ dataset: some Dataset, _ text: String, seeds: Int = 200
  ) throws -> Set<[Float]> {
    let draws = try AugmentationDraws(text, count: seeds)
    let batch = try dataset.batch(
      Array(repeating: 0, count: seeds), augmented: draws, reading: .parallel)
    return Set((0..<seeds).map { batch.inputs[0].sample($0) })
  }

  @Test func `flips mirror left and right, top and bottom`() throws {
    let dataset = try Self.grey(try TemporaryFolder(), [[1, 2, 3], [4, 5, 6]])
    #expect(
      try Self.results(dataset, "flip") == [[1, 2, 3, 4, 5, 6], [3, 2, 1, 6, 5, 4]])
    #expect(
      try Self.results(dataset, "vflip") == [[1, 2, 3, 4, 5, 6], [4, 5, 6, 1, 2, 3]])
    #expect(try Self.results(dataset, "flip,vflip").contains([6, 5, 4, 3, 2, 1]))
  }

  @Test func `a padded crop shifts each way, and what comes in is black before normalisation`()
    throws
  {
    let dataset = try Self.grey(try TemporaryFolder(), [[1, 2], [3, 4]], mean: 10)
    let shifts: [[Float]] = [
      [0, 0, 0, 1], [0, 0, 1, 2], [0, 0, 2, 0], [0, 1, 0, 3], [1, 2, 3, 4], [2, 0, 4, 0],
      [0, 3, 0, 0], [3, 4, 0, 0], [4, 0, 0, 0],
    ]
    #expect(try Self.results(dataset, "crop=1") == Set(shifts.map { $0.map { $0 - 10 } }))
  }

  @Test(arguments: [ImageLayout.nchw, .nhwc])
  func `arrays and images of the same pixels are augmented the same`(layout: ImageLayout) throws {
    let folder = try TemporaryFolder()
    var generator = SeededGenerator(state: 5)
    let planes = (0..<3072).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    let shape = layout == .nchw ? [3, 32, 32] : [32, 32, 3]
    let stored = layout == .nchw ? planes : (0..<3072).map { planes[$0 % 3 * 1024 + $0 / 3] }
    let model = request(
      [.unknown] + shape.map(Dimension.fixed),
      normalization: Normalization(mean: [1, 2, 3], std: [4, 5, 6]))
    let image = try DatasetLoader.open(
      path: try folder.write([7] + planes, to: "data.bin"), for: model)
    let bytes = folder.path("bytes.npy")
    try NpyFile.write(Tensor(stored, shape: [1] + shape), to: bytes)
    let floats = folder.path("floats.npy")
    try NpyFile.write(Tensor(stored.map(Double.init), shape: [1] + shape), to: floats)
    let draws = try AugmentationDraws("flip,vflip,crop=5", count: 20)
    let indices = Array(repeating: 0, count: 20)
    let expected = try image.batch(indices, augmented: draws, reading: .parallel).inputs
    #expect(Set((0..<20).map { expected[0].sample($0) }).count > 15)
    for path in [bytes, floats] {
      let arrays = try DatasetLoader.open(path: path, for: model)
      #expect(try arrays.batch(indices, augmented: draws, reading: .parallel).inputs == expected)
    }
  }

  @Test func `a sample depends on its seed, not on its batch nor on who reads it`() throws {
    let folder = try ImageDatasetTests.classFolders(["a": ["rgb.png", "rgb-420.jpg", "rgba.png"]])
    let dataset = try DatasetLoader.open(path: folder.url.path, for: .anyColor)
    let draws = try AugmentationDraws("flip,crop=4,jitter=0.4", count: 3)
    let whole = try dataset.batch([2, 0, 1], augmented: draws, reading: .parallel).inputs[0]
    for (position, index) in [2, 0, 1].enumerated() {
      for _ in 0..<2 {
        let single = try dataset.batch(
          [index], augmented: AugmentationDraws(draws.augmentation, seeds: [UInt64(position)]),
          reading: .background)
        #expect(single.inputs[0].sample(0) == whole.sample(position))
      }
    }
  }

  @Test func `no augmentation gives the samples as they are`() throws {
    for (path, model) in [
      ("images/rgb.png", DatasetRequest.anyColor),
      ("arrays/stored.npz", request([.unknown, 2, 3, 4])),
      ("arrays/f4.npy", request([.unknown, 3, 4])),
    ] {
      let dataset = try DatasetLoader.open(path: Fixtures.path(path), for: model)
      let draws = try AugmentationDraws("none", count: 1)
      #expect(
        try dataset.batch([0], augmented: draws, reading: .background).inputs
          == dataset.batch([0]).inputs)
    }
  }

  @Test(
    arguments: [
      ("images/rgb.png", .anyColor, "patch=8", "patch=8", "'crop=4'"),
      ("images/rgb.png", .anyColor, "crop=29", "crop=29", "29 pixels; give less"),
      ("images/grey.png", .anyGrey, "contrast=0.1", "jitter", "leave out"),
      ("arrays/stored.npz", request([.unknown, 2, 3, 4]), "jitter=0.1", "jitter", "leave it out"),
      ("arrays/stored.npz", request([.unknown, 2, 3, 4]), "crop=3", "crop=3", "give less"),
      ("arrays/stored.npz", request([.unknown, 2, 3, 4]), "patch=2", "patch=2", "a folder"),
      ("arrays/f4.npy", request([.unknown, 3, 4]), "flip", "flip", "give 'none'"),
    ] as [(String, DatasetRequest, String, String, String)])
  func `what can't be augmented says what to do`(
    name: String, model: DatasetRequest, text: String, item: String, advice: String
  ) throws {
    let path = Fixtures.path(name)
    let dataset = try DatasetLoader.open(path: path, for: model)
    let draws = try AugmentationDraws(text, count: 1)
    let error = try #require(
      throws: DatasetError.self,
      performing: { try dataset.batch([0], augmented: draws, reading: .parallel) })
    #expect("\(error)".hasPrefix("\(path): can't be augmented by '\(item)': "))
    #expect("\(error)".contains(advice))
  }

  @Test func `images as targets are not left behind by their inputs`() throws {
    let images = Tensor((0..<8).map(Float.init), shape: [2, 1, 2, 2])
    let dataset = try ArrayDataset(
      path: "d", arrays: [("x", NpyArray(images, path: "x"))],
      reference: ("y", NpyArray(images, path: "y")),
      request: request([.unknown, 1, 2, 2], task: .regression))
    #expect(throws: DatasetError.self) {
      try dataset.require(Augmentation(flipsHorizontally: true), batchSize: 1)
    }
  }
}
