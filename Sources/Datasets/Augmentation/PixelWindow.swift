/// A rectangle of an image, which may extend beyond it, and the direction in which it is read.
struct PixelWindow: Sendable, Hashable {
  var size: ImageSize
  /// The image's column and row at the window's top left corner.
  var x = 0
  var y = 0
  var mirrorsHorizontally = false
  var mirrorsVertically = false

  /// The distances in memory from one channel, row or column to the next, in elements.
  struct Strides {
    var channel: Int
    var row: Int
    var column: Int

    init(_ layout: ImageLayout, _ size: ImageSize, channels: Int) {
      switch layout {
      case .nchw: (channel, row, column) = (size.area, size.width, 1)
      case .nhwc: (channel, row, column) = (1, size.width * channels, channels)
      }
    }
  }

  /// Writes the window of an image.
  ///
  /// - Parameters:
  ///   - source: the elements of an image of `imageSize`, at the distances `from`.
  ///   - outside: the value of a channel where the image doesn't reach.
  ///   - convert: gives a channel's value for an element of the image.
  /// - Precondition: `source` holds the image and `output` the window, each with `channels` channels.
  @inline(__always)
  func write<T>(
    _ source: UnsafeBufferPointer<T>, of imageSize: ImageSize, from: Strides,
    to output: UnsafeMutableBufferPointer<Float>, at to: Strides, channels: Int,
    outside: (_ channel: Int) -> Float, convert: (_ channel: Int, T) -> Float
  ) {
    precondition(source.count >= imageSize.area * channels, "an image of another size")
    precondition(output.count == size.area * channels, "an output of another size")
    // The columns of the output, before mirroring, that lie within the image.
    let first = min(max(-x, 0), size.width)
    let last = max(min(imageSize.width - x, size.width), first)
    for row in 0..<size.height {
      let imageRow = y + (mirrorsVertically ? size.height - 1 - row : row)
      let isInside = (0..<imageSize.height).contains(imageRow)
      let inner = isInside ? first..<last : 0..<0
      for channel in 0..<channels {
        let target = row * to.row + channel * to.channel
        let start = imageRow * from.row + channel * from.channel + x * from.column
        // Walking the output backwards mirrors it.
        let step = mirrorsHorizontally ? -to.column : to.column
        let origin = mirrorsHorizontally ? target + (size.width - 1) * to.column : target
        for column in inner {
          output[origin + column * step] = convert(channel, source[start + column * from.column])
        }
        guard inner.count < size.width else { continue }
        let filling = outside(channel)
        for column in 0..<inner.lowerBound { output[origin + column * step] = filling }
        for column in inner.upperBound..<size.width { output[origin + column * step] = filling }
      }
    }
  }
}
