import TensorCore
import TestSupport
import Testing

@testable import Datasets

@Suite struct SuperResolutionTests {
  static let path = Fixtures.path("images/bicubic.npz")

  static func image(_ entry: String) throws -> Image {
    let tensor = try npzEntry(path, entry)
    var image = Image(
      width: tensor.shape[1], height: tensor.shape[0], channels: tensor.rank == 3 ? 3 : 1)
    image.pixels = tensor.elements(of: UInt8.self)
    return image
  }

  static func resize(_ image: Image, width: Int, height: Int) -> Image {
    image.pixels.withUnsafeBufferPointer {
      BicubicResampling.resize(
        $0, rowLength: image.width, channels: image.channels, from: image.size,
        to: ImageSize(width: width, height: height), columns: 0..<width, rows: 0..<height)
    }
  }

  @Test(arguments: [
    (24, 18), (16, 12), (12, 9), (8, 6), (31, 36), (48, 17), (61, 50), (5, 3),
  ])
  func `bicubic resizing gives Pillow's bytes`(width: Int, height: Int) throws {
    let resized = Self.resize(try Self.image("source"), width: width, height: height)
    #expect(resized.pixels == (try Self.image("\(width)x\(height)")).pixels)
  }

  @Test func `bicubic resizing of grey images gives Pillow's bytes`() throws {
    let resized = Self.resize(try Self.image("grey"), width: 16, height: 12)
    #expect(resized.pixels == (try Self.image("grey_16x12")).pixels)
  }

  @Test func `a pair is the cropped image and its reduced copy, in 0...1`() throws {
    let dataset = try DatasetLoader.open(
      path: Fixtures.path("images/rgb.png"),
      for: request([.unknown, 3, .unknown, .unknown], task: .superResolution(scale: 3)))
    #expect(dataset.reference == .targets)
    #expect(dataset.sampleShape(at: 0) == [3, 8, 12])
    let batch = try dataset.batch([0])
    let targets = try #require(batch.targets)
    #expect(targets.shape == [1, 3, 24, 36])
    let pixels = try npzEntry(Fixtures.path("images/pixels.npz"), "rgb.png:rgb")
      .elements(of: UInt8.self)
    let values = targets.elements(of: Float.self)
    for (channel, y, x) in [(0, 0, 0), (1, 5, 7), (2, 23, 35)] {
      #expect(
        values[(channel * 24 + y) * 36 + x] == Float(pixels[(y * 37 + x) * 3 + channel]) / 255)
    }
    let mean = { (tensor: Tensor) in
      tensor.elements(of: Float.self).reduce(0, +) / Float(tensor.count)
    }
    #expect(abs(mean(batch.inputs[0]) - mean(targets)) < 0.01)
  }

  @Test func `what can't be reduced is refused`() throws {
    let path = Fixtures.path("images/rgb.png")
    func open(_ task: DatasetTask, _ dimensions: [Dimension]) throws {
      _ = try DatasetLoader.open(path: path, for: request(dimensions, task: task))
    }
    let any: [Dimension] = [.unknown, 3, .unknown, .unknown]
    #expect(throws: DatasetError.self) { try open(.superResolution(scale: 0), any) }
    #expect(throws: DatasetError.self) {
      try open(.superResolution(scale: 3, cropMultiple: 10), any)
    }
    #expect(
      throws: DatasetError.superResolution(
        path: path, requirement: "at least 32x32 pixels", actual: "37x29")
    ) { try open(.superResolution(scale: 8), any) }
    #expect(throws: DatasetError.self) {
      try open(.superResolution(scale: 3), [.unknown, 3, 9, 12])
    }
    #expect(throws: DatasetError.self) {
      _ = try DatasetLoader.open(
        path: Fixtures.path("arrays/f4.npy"),
        for: request([.unknown, 3, 4], task: .superResolution(scale: 2)))
    }
  }
}
