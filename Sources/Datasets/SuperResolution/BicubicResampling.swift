/// Antialiased bicubic interpolation of 8-bit images, bit for bit as Pillow's BICUBIC (libImaging/Resample.c): with
/// the kernel's parameter a = -0.5, in 22-bit fixed point, along rows first, rounded to 8 bits in between.
enum BicubicResampling {
  /// Computes a part of the resized image, at the cost of that part.
  ///
  /// - Parameters:
  ///   - pixels: the interleaved pixels of the image, with rows that are `rowLength` pixels apart.
  ///   - source: the size of the image, which is the top left part of those rows.
  ///   - target: the size of the whole resized image.
  ///   - columns, rows: the part of the resized image to compute.
  static func resize(
    _ pixels: UnsafeBufferPointer<UInt8>, rowLength: Int, channels: Int, from source: ImageSize,
    to target: ImageSize, columns: Range<Int>, rows: Range<Int>
  ) -> Image {
    let across = windows(columns, from: source.width, to: target.width)
    let down = windows(rows, from: source.height, to: target.height)
    let first = down.map(\.start).min() ?? 0
    let last = down.map { $0.start + $0.weights.count }.max() ?? first
    let row = columns.count * channels
    var narrow = Image(width: columns.count, height: last - first, channels: channels)
    narrow.pixels.withUnsafeMutableBufferPointer { output in
      for (x, window) in across.enumerated() {
        window.weights.withUnsafeBufferPointer { weights in
          for y in 0..<last - first {
            let start = ((first + y) * rowLength + window.start) * channels
            for channel in 0..<channels {
              var sum = half
              for tap in weights.indices {
                sum &+= Int32(pixels[start + channel + tap * channels]) &* weights[tap]
              }
              output[y * row + x * channels + channel] = UInt8(clamping: sum >> precision)
            }
          }
        }
      }
    }
    var result = Image(width: columns.count, height: rows.count, channels: channels)
    narrow.pixels.withUnsafeBufferPointer { input in
      result.pixels.withUnsafeMutableBufferPointer { output in
        withUnsafeTemporaryAllocation(of: Int32.self, capacity: row) { sums in
          for (y, window) in down.enumerated() {
            sums.initialize(repeating: half)
            // The inner loop runs along rows, so that many sums advance at once.
            for (tap, weight) in window.weights.enumerated() {
              let start = (window.start - first + tap) * row
              for x in 0..<row { sums[x] &+= Int32(input[start + x]) &* weight }
            }
            for x in 0..<row { output[y * row + x] = UInt8(clamping: sums[x] >> precision) }
          }
        }
      }
    }
    return result
  }

  /// The weights of the source pixels that make one target pixel.
  struct Window {
    var start: Int
    var weights: [Int32]
  }

  private static let precision: Int32 = 32 - 8 - 2
  /// The summand by which a shift by the precision rounds.
  private static let half: Int32 = 1 << (precision - 1)

  /// The windows of some target pixels along one axis.
  static func windows(_ positions: Range<Int>, from source: Int, to target: Int) -> [Window] {
    let scale = Double(source) / Double(target)
    let filterScale = max(scale, 1)
    let support = 2 * filterScale
    return positions.map { position in
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
}
