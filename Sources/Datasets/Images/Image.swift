/// An 8-bit image with rows from the top and channels interleaved.
///
/// The pixel array is reused from one image to the next.
struct Image: Sendable {
  private(set) var width = 0
  private(set) var height = 0
  /// The number of channels: 1 (grey) or 3 (red, green, blue).
  private(set) var channels = 1
  var pixels: [UInt8] = []

  init() {}

  var size: ImageSize { ImageSize(width: width, height: height) }

  /// Makes an image of undefined pixels.
  init(width: Int, height: Int, channels: Int) {
    resize(width: width, height: height, channels: channels)
  }

  /// Changes the size, after which pixels are undefined.
  ///
  /// - Precondition: the size was checked against ``ImageLimits``.
  mutating func resize(width: Int, height: Int, channels: Int) {
    self.width = width
    self.height = height
    self.channels = channels
    let count = width * height * channels
    if pixels.count != count { pixels = [UInt8](repeating: 0, count: count) }
  }

  /// Converts between grey and RGB; luma is ITU-R 601-2 in 16-bit fixed point, as Pillow computes it.
  mutating func convert(toChannels target: Int) {
    guard target != channels else { return }
    let source = pixels
    resize(width: width, height: height, channels: target)
    source.withUnsafeBufferPointer { source in
      pixels.withUnsafeMutableBufferPointer { pixels in
        if target == 1 {
          for index in pixels.indices {
            let r = UInt32(source[3 * index])
            let g = UInt32(source[3 * index + 1])
            let b = UInt32(source[3 * index + 2])
            pixels[index] = UInt8((r * 19595 + g * 38470 + b * 7471 + 0x8000) >> 16)
          }
        } else {
          for index in source.indices {
            pixels[3 * index] = source[index]
            pixels[3 * index + 1] = source[index]
            pixels[3 * index + 2] = source[index]
          }
        }
      }
    }
  }
}

enum ImageLimits {
  /// The number of pixels of the largest image that is decoded.
  static let pixels = 1 << 26

  /// The number of pixels up to which an image is decoded, however few bytes it comes from.
  static let freePixels = 1 << 22
  /// The largest number of pixels for each byte of a file beyond that: twice what a bilevel PNG of one colour has.
  static let pixelsOfByte = 1 << 14

  /// Checks the size that the header of a JPEG or PNG file claims, also against the number of the file's bytes.
  ///
  /// - Parameter bytes: the number of bytes of the file, or of its beginning.
  static func check(
    width: Int, height: Int, bytes: Int, format: DataFormat, path: String
  ) throws(DatasetError) {
    try check(width: width, height: height, path: path)
    let most = max(freePixels, min(bytes, pixels) * pixelsOfByte)
    guard width * height <= most else {
      throw .malformed(
        path: path, format: format, field: "size",
        expected: "at most \(most) pixels in \(bytes) bytes", actual: "\(width)x\(height)")
    }
  }

  /// Checks the size that a file's header claims, before memory is taken for it.
  static func check(width: Int, height: Int, path: String) throws(DatasetError) {
    let (count, overflow) = width.multipliedReportingOverflow(by: height)
    guard width > 0, height > 0, !overflow, count <= pixels else {
      throw .imageTooLarge(path: path, width: width, height: height, limit: pixels)
    }
  }
}
