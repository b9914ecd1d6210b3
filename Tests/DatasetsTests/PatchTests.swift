import TensorCore
import TestSupport
import Testing

import class Foundation.FileManager

@testable import Datasets

/// Random patches of super-resolution pairs.
@Suite struct PatchTests {
  static func open(_ path: String, scale: Int = 3) throws -> any Dataset {
    try DatasetLoader.open(
      path: path,
      for: request(
        [.unknown, 3, .unknown, .unknown], normalization: Normalization(mean: [0.5], std: [0.25]),
        task: .superResolution(scale: scale)))
  }

  /// A square of a CxHxW image, mirrored.
  static func block(
    _ image: Tensor, x: Int, y: Int, side: Int, _ horizontal: Bool, _ vertical: Bool
  ) -> [Float] {
    let (height, width) = (image.shape[2], image.shape[3])
    let values = image.elements(of: Float.self)
    return (0..<3).flatMap { channel in
      (0..<side).flatMap { row in
        (0..<side).map { column in
          let row = y + (vertical ? side - 1 - row : row)
          let column = x + (horizontal ? side - 1 - column : column)
          return values[(channel * height + row) * width + column]
        }
      }
    }
  }

  @Test func `a patch is the same square of both images of the whole pair`() throws {
    let dataset = try Self.open(Fixtures.path("images/rgb.png"))
    let whole = try dataset.batch([0])
    let targets = try #require(whole.targets)
    let draws = try AugmentationDraws("flip,vflip,patch=6", count: 300)
    let indices = Array(repeating: 0, count: 300)
    let batch = try dataset.batch(indices, augmented: draws, reading: .parallel)
    #expect(batch.inputs[0].shape == [300, 3, 2, 2])
    let patches = try #require(batch.targets)
    #expect(patches.shape == [300, 3, 6, 6])
    // All squares of 2x2 of the input of 12x8, and those of the target at the same place.
    var places: [[Float]: [Float]] = [:]
    for y in 0...6 {
      for x in 0...10 {
        for (horizontal, vertical) in [(false, false), (false, true), (true, false), (true, true)] {
          places[
            Self.block(targets, x: 3 * x, y: 3 * y, side: 6, horizontal, vertical)] = Self.block(
              whole.inputs[0], x: x, y: y, side: 2, horizontal, vertical)
        }
      }
    }
    var found: Set<[Float]> = []
    for sample in 0..<300 {
      let target = patches.sample(sample)
      #expect(places[target] == batch.inputs[0].sample(sample))
      found.insert(target)
    }
    #expect(found.count > 150)
  }

  @Test func `patches of images of several sizes make one batch`() throws {
    let folder = try ImageDatasetTests.classFolders(["a": ["rgb.png"]])
    try FileManager.default.copyItem(
      atPath: Fixtures.path("images/rgb.png"), toPath: folder.path("a/second.png"))
    let wide = try png(width: 60, height: 40, (0..<7200).map { UInt8($0 % 251) })
    _ = try folder.write(wide, to: "a/wide.png")
    let dataset = try Self.open(folder.url.path)
    #expect(
      throws: DatasetError.superResolution(
        path: folder.url.path,
        requirement: "images of one size for batches of more than one sample, or random crops by "
          + "the augmentation 'patch=96'",
        actual: "36x24 and 60x36 pixels")
    ) { try dataset.require(.none, batchSize: 2) }
    try dataset.require(.none, batchSize: 1)
    let patches = try Augmentation(parsing: "patch=24")
    try dataset.require(patches, batchSize: 2)
    let batch = try dataset.batch(
      [0, 1, 2], augmented: AugmentationDraws(patches, seeds: [1, 2, 3]), reading: .parallel)
    #expect(batch.inputs[0].shape == [3, 3, 8, 8] && batch.targets?.shape == [3, 3, 24, 24])
  }

  @Test(arguments: [
    ("patch=7", "patch=7", "give a multiple of 3"), ("patch=27", "patch=27", "a side of 24 pixels"),
    ("crop=4", "crop=4", "'patch=96'"), ("saturation=0.1", "jitter", "leave out"),
  ])
  func `what super-resolution can't do says what to do`(
    text: String, item: String, advice: String
  ) throws {
    let path = Fixtures.path("images/rgb.png")
    let dataset = try Self.open(path)
    let error = try #require(
      throws: DatasetError.self,
      performing: { try dataset.require(try Augmentation(parsing: text), batchSize: 4) })
    #expect("\(error)".hasPrefix("\(path): can't be augmented by '\(item)': "))
    #expect("\(error)".contains(advice))
  }

  @Test func `a model of fixed size takes no patches`() throws {
    let dataset = try DatasetLoader.open(
      path: Fixtures.path("images/rgb.png"),
      for: request([.unknown, 3, 8, 12], task: .superResolution(scale: 3)))
    try dataset.require(.none, batchSize: 4)
    #expect(throws: DatasetError.self) {
      try dataset.require(Augmentation(patch: 12), batchSize: 4)
    }
  }
}
