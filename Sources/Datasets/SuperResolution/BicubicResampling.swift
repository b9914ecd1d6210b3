/// Antialiased bicubic interpolation of 8-bit images, bit for bit as Pillow's `resize(..., BICUBIC)`
/// (libImaging/Resample.c): a = -0.5, 22-bit fixed point, rows first, rounded to 8 bits in between.
enum BicubicResampling {
  static func resize(_ image: Image, width: Int, height: Int) -> Image {
    var result = image
    if width != image.width { result = horizontally(result, width: width) }
    if height != image.height { result = vertically(result, height: height) }
    return result
  }

  /// Weights of the source pixels that make one target pixel.
  struct Window {
    var start: Int
    var weights: [Int32]
  }

  private static let precision: Int32 = 32 - 8 - 2

  /// The windows of all pixels along one axis.
  static func windows(from source: Int, to target: Int) -> [Window] {
    let scale = Double(source) / Double(target)
    let filterScale = max(scale, 1)
    let support = 2 * filterScale
    return (0..<target).map { position in
      let center = (Double(position) + 0.5) * scale
      let start = max(Int(center - support + 0.5), 0)
      let end = min(Int(center + support + 0.5), source)
      var weights = (start..<end).map { kernel((Double($0) - center + 0.5) * (1 / filterScale)) }
      let sum = weights.reduce(0, +)
      if sum != 0 { weights = weights.map { $0 / sum } }
      return Window(
        start: start,
        weights: weights.map { weight in
          let scaled = weight * Double(Int32(1) << precision)
          return Int32(weight < 0 ? scaled - 0.5 : scaled + 0.5)
        })
    }
  }

  private static func kernel(_ x: Double) -> Double {
    let a = -0.5
    let x = abs(x)
    if x < 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
    if x < 2 { return (((x - 5) * x + 8) * x - 4) * a }
    return 0
  }

  private static func horizontally(_ image: Image, width: Int) -> Image {
    var result = Image(width: width, height: image.height, channels: image.channels)
    let windows = windows(from: image.width, to: width)
    let channels = image.channels
    image.pixels.withUnsafeBufferPointer { source in
      result.pixels.withUnsafeMutableBufferPointer { target in
        for y in 0..<image.height {
          for (x, window) in windows.enumerated() {
            let first = (y * image.width + window.start) * channels
            for channel in 0..<channels {
              target[(y * width + x) * channels + channel] = weightedSum(
                source, from: first + channel, stride: channels, window.weights)
            }
          }
        }
      }
    }
    return result
  }

  private static func vertically(_ image: Image, height: Int) -> Image {
    var result = Image(width: image.width, height: height, channels: image.channels)
    let row = image.width * image.channels
    image.pixels.withUnsafeBufferPointer { source in
      result.pixels.withUnsafeMutableBufferPointer { target in
        for (y, window) in windows(from: image.height, to: height).enumerated() {
          for x in 0..<row {
            target[y * row + x] = weightedSum(
              source, from: window.start * row + x, stride: row, window.weights)
          }
        }
      }
    }
    return result
  }

  @inline(__always)
  private static func weightedSum(
    _ source: UnsafeBufferPointer<UInt8>, from first: Int, stride: Int, _ weights: [Int32]
  ) -> UInt8 {
    var sum = Int32(1) << (precision - 1)
    for (tap, weight) in weights.enumerated() {
      sum &+= Int32(source[first + tap * stride]) &* weight
    }
    return UInt8(clamping: sum >> precision)
  }
}
