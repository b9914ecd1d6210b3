import TensorCore
import TestSupport
import Testing

@testable import Datasets

@Suite struct ColorJitterTests {
  static func jittered(
    _ pixels: [UInt8], brightness: Double = 1, contrast: Double = 1, saturation: Double = 1
  ) -> [UInt8] {
    var draw = AugmentationDraw(.none, seed: 0)
    (draw.brightness, draw.contrast, draw.saturation) = (brightness, contrast, saturation)
    var pixels = pixels
    pixels.withUnsafeMutableBufferPointer { ColorJitter.apply(draw, to: $0) }
    return pixels
  }

  // Grey values, rounded down: 0.2989 r + 0.587 g + 0.114 b is 124 and 18; their mean is 71.
  static let pixels: [UInt8] = [200, 100, 50, 10, 20, 30]

  @Test func `brightness multiplies, and is cut off at white`() {
    #expect(Self.jittered(Self.pixels, brightness: 1.5) == [255, 150, 75, 15, 30, 45])
    #expect(Self.jittered(Self.pixels, brightness: 0) == [0, 0, 0, 0, 0, 0])
  }

  @Test func `contrast blends with the mean of the grey image`() {
    #expect(Self.jittered(Self.pixels, contrast: 0.5) == [135, 85, 60, 40, 45, 50])
    #expect(Self.jittered(Self.pixels, contrast: 0) == [71, 71, 71, 71, 71, 71])
  }

  @Test func `saturation blends with the grey image`() {
    #expect(Self.jittered(Self.pixels, saturation: 2) == [255, 76, 0, 2, 22, 42])
    #expect(Self.jittered(Self.pixels, saturation: 0) == [124, 124, 124, 18, 18, 18])
  }

  @Test func `brightness comes first, saturation last`() {
    #expect(
      Self.jittered(Self.pixels, brightness: 0.5, contrast: 2, saturation: 0.5)
        == Self.jittered(
          Self.jittered(Self.jittered(Self.pixels, brightness: 0.5), contrast: 2), saturation: 0.5))
  }

  @Test func `jitter comes before the normalisation, and leaves the border black`() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(LoaderTests.cifar([9]), to: "test.bin")
    func values(_ normalization: Normalization) throws -> [Float] {
      let dataset = try DatasetLoader.open(
        path: path, for: request([.unknown, 3, 32, 32], normalization: normalization))
      let draws = try AugmentationDraws("crop=4,brightness=0.5,contrast=0.5", count: 1)
      return try dataset.batch([0], augmented: draws, reading: .parallel).inputs[0].sample(0)
    }
    let plain = try values(.identity)
    let scaled = try values(Normalization(mean: [8], std: [4]))
    #expect(scaled == plain.map { ($0 - 8) / 4 })
    // Planes of 180, 181 and 182 become one other value each, and the border stays 0.
    for channel in 0..<3 {
      let plane = Set(plain[channel * 1024..<(channel + 1) * 1024])
      #expect(plane.count == 2 && plane.contains(0) && !plane.contains(180 + Float(channel)))
    }
  }
}
