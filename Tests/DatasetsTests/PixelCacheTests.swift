import TensorCore
import TestSupport
import Testing

import class Foundation.FileManager

@testable import Datasets

@Suite struct PixelCacheTests {
  @Test func `images are kept until the budget is used up, and given back at the end`() {
    let budget = PixelBudget(limit: 10)
    do {
      let cache = PixelCache(count: 4, budget: budget)
      cache.store([1, 2, 3, 4, 5, 6], 2)
      cache.store([7, 8, 9, 10, 11], 0)
      cache.store([12, 13, 14, 15], 3)
      #expect(cache.pixels(2).map(Array.init) == [1, 2, 3, 4, 5, 6])
      #expect(cache.pixels(0) == nil)
      #expect(cache.pixels(3).map(Array.init) == [12, 13, 14, 15])
      #expect(!budget.take(1))
    }
    #expect(budget.take(10))
  }

  @Test func `an image stored twice counts once`() {
    let budget = PixelBudget(limit: 10)
    let cache = PixelCache(count: 1, budget: budget)
    for _ in 0..<3 { cache.store([1, 2, 3, 4, 5], 0) }
    #expect(budget.take(5) && !budget.take(1))
  }

  @Test(arguments: [DatasetTask.superResolution(scale: 2), .classification])
  func `images of any size that training has read are not read again`(task: DatasetTask) throws {
    let folder = try ImageDatasetTests.classFolders(["a": ["rgb.png"], "b": ["rgb-420.jpg"]])
    let dataset = try DatasetLoader.open(
      path: folder.url.path, for: request([.unknown, 3, .unknown, .unknown], task: task))
    let draws = try AugmentationDraws("flip", count: 2)
    let first = try dataset.batch([1, 0], augmented: draws, reading: .background)
    let plain = try dataset.batch([0, 1])
    try FileManager.default.removeItem(at: folder.url)
    let second = try dataset.batch([1, 0], augmented: draws, reading: .background)
    #expect(second.inputs == first.inputs && second.targets == first.targets)
    #expect(try dataset.batch([0, 1]).inputs == plain.inputs)
  }

  @Test func `one pass over images of any size keeps none`() throws {
    let folder = try ImageDatasetTests.classFolders(["a": ["rgb.png"]])
    let dataset = try DatasetLoader.open(path: folder.url.path, for: .anyColor)
    _ = try dataset.batch([0])
    try FileManager.default.removeItem(at: folder.url)
    #expect(throws: DatasetError.self) { try dataset.batch([0]) }
  }

  @Test func `an image that changed its size meanwhile is refused`() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(
      png(width: 24, height: 12, .init(repeating: 9, count: 864)), to: "a.png")
    let dataset = try DatasetLoader.open(path: path, for: .anyColor)
    _ = try folder.write(png(width: 12, height: 24, .init(repeating: 9, count: 864)), to: "a.png")
    #expect(
      throws: DatasetError.imageSize(
        path: path, input: "input", width: 12, height: 24,
        expected: "the size it had when the data was opened")
    ) { try dataset.batch([0]) }
  }
}
