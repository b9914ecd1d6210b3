import CPNG

/// Decodes PNG with libpng's simplified interface.
enum PNGDecoder {
  static let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]

  static func size(
    _ bytes: UnsafeRawBufferPointer, path: String
  ) throws(DatasetError) -> (width: Int, height: Int) {
    guard bytes.count >= 24 else {
      throw .truncated(path: path, needed: 24, available: bytes.count)
    }
    let width = Int(bytes.bigEndianUInt32(at: 16))
    let height = Int(bytes.bigEndianUInt32(at: 20))
    try ImageLimits.check(
      width: width, height: height, bytes: bytes.count, format: .png, path: path)
    return (width, height)
  }

  /// Decodes 8 bits per channel as stored: without gamma, colour profile or transparency, as Pillow's
  /// `convert("RGB")` does. Channels of 16 bits are scaled to 8 bits.
  static func decode(
    _ bytes: UnsafeRawBufferPointer, path: String, into image: inout Image
  ) throws(DatasetError) {
    let (width, height) = try size(bytes, path: path)
    let essential = try essentialChunks(bytes, path: path)
    var png = png_image()
    png.version = UInt32(PNG_IMAGE_VERSION)
    defer { png_image_free(&png) }
    // The reader keeps the pointer until it finishes.
    let isRead = essential.withUnsafeBytes { memory -> Bool in
      guard png_image_begin_read_from_memory(&png, memory.baseAddress, memory.count) != 0,
        Int(png.width) == width, Int(png.height) == height
      else { return false }
      let color = png.format & PNG_FORMAT_FLAG_COLOR
      let alpha = png.format & PNG_FORMAT_FLAG_ALPHA
      png.flags |= UInt32(PNG_IMAGE_FLAG_16BIT_sRGB)
      // Alpha is decoded and dropped: without it libpng would blend with a background.
      png.format = color | alpha
      let channels = color != 0 ? 3 : 1
      image.resize(width: width, height: height, channels: channels)
      return alpha == 0
        ? finish(&png, &image.pixels, rowBytes: width * channels)
        : finishDroppingAlpha(&png, &image)
    }
    guard isRead else {
      let message = withUnsafeBytes(of: png.message) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      throw .codec(path: path, format: .png, message: message)
    }
  }

  private static func finish(
    _ png: inout png_image, _ pixels: inout [UInt8], rowBytes: Int
  ) -> Bool {
    pixels.withUnsafeMutableBytes {
      png_image_finish_read(&png, nil, $0.baseAddress, Int32(rowBytes), nil) != 0
    }
  }

  private static func finishDroppingAlpha(_ png: inout png_image, _ image: inout Image) -> Bool {
    let stored = image.channels + 1
    var pixels = [UInt8](repeating: 0, count: image.width * image.height * stored)
    guard finish(&png, &pixels, rowBytes: image.width * stored) else { return false }
    for pixel in 0..<image.width * image.height {
      for channel in 0..<image.channels {
        image.pixels[pixel * image.channels + channel] = pixels[pixel * stored + channel]
      }
    }
    return true
  }

  /// The file without its ancillary chunks: gamma and profiles would change the values, and compressed texts take
  /// memory.
  private static func essentialChunks(
    _ bytes: UnsafeRawBufferPointer, path: String
  ) throws(DatasetError) -> [UInt8] {
    var result = signature
    result.reserveCapacity(bytes.count)
    var at = signature.count
    while at < bytes.count {
      guard bytes.count - at >= 12 else {
        throw .truncated(path: path, needed: at + 12, available: bytes.count)
      }
      let length = Int(bytes.bigEndianUInt32(at: at))
      guard length <= bytes.count - at - 12 else {
        throw .truncated(path: path, needed: at + 12 + length, available: bytes.count)
      }
      // The case of the type's first letter tells critical chunks from ancillary ones.
      let isCritical = bytes[at + 4] & 0x20 == 0
      if isCritical { result.append(contentsOf: bytes[at..<at + 12 + length]) }
      if bytes[at + 4..<at + 8].elementsEqual("IEND".utf8) { break }
      at += 12 + length
    }
    return result
  }
}

extension UnsafeRawBufferPointer {
  /// - Precondition: four bytes lie at `offset`.
  fileprivate func bigEndianUInt32(at offset: Int) -> UInt32 {
    UInt32(bigEndian: loadUnaligned(fromByteOffset: offset, as: UInt32.self))
  }
}
