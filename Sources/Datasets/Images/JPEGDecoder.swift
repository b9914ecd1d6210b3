import CTurboJPEG

/// Decodes JPEG with libturbojpeg, using the accurate integer transform and smooth chroma upsampling that Pillow and
/// torchvision use.
final class JPEGDecoder {
  private let handle: tjhandle? = tjInitDecompress()

  deinit { if let handle { tjDestroy(handle) } }

  func size(
    _ bytes: UnsafeRawBufferPointer, path: String
  ) throws(DatasetError) -> (width: Int, height: Int) {
    let header = try header(bytes, path: path)
    return (header.width, header.height)
  }

  func decode(
    _ bytes: UnsafeRawBufferPointer, path: String, into image: inout Image
  ) throws(DatasetError) {
    let header = try header(bytes, path: path)
    image.resize(width: header.width, height: header.height, channels: header.isGrey ? 1 : 3)
    let format = header.isGrey ? TJPF_GRAY : TJPF_RGB
    let status = image.pixels.withUnsafeMutableBufferPointer { pixels in
      // Without the limit on scans, a progressive file of endless scans would take hours.
      tjDecompress2(
        handle, bytes.bindMemory(to: UInt8.self).baseAddress, UInt(bytes.count),
        pixels.baseAddress, Int32(header.width), 0, Int32(header.height), Int32(format.rawValue),
        TJFLAG_LIMITSCANS)
    }
    // Warnings are errors too: they mean that data is missing or corrupt, and that pixels are made up.
    guard status == 0 else { throw failure(path) }
  }

  /// Whether `bytes`, the beginning of a JPEG file, end before the first scan, which the image's size precedes.
  static func needsMore(_ bytes: UnsafeRawBufferPointer) -> Bool {
    var at = 2
    while at + 4 <= bytes.count, bytes[at] == 0xFF {
      // Start of scan.
      if bytes[at + 1] == 0xDA { return false }
      at += 2 + Int(bytes[at + 2]) << 8 + Int(bytes[at + 3])
    }
    return true
  }

  private func header(
    _ bytes: UnsafeRawBufferPointer, path: String
  ) throws(DatasetError) -> (width: Int, height: Int, isGrey: Bool) {
    var width: Int32 = 0
    var height: Int32 = 0
    var subsampling: Int32 = 0
    var colorSpace: Int32 = 0
    let status = tjDecompressHeader3(
      handle, bytes.bindMemory(to: UInt8.self).baseAddress, UInt(bytes.count), &width, &height,
      &subsampling, &colorSpace)
    guard status == 0 else { throw failure(path) }
    let isGrey = colorSpace == Int32(TJCS_GRAY.rawValue)
    guard
      isGrey || colorSpace == Int32(TJCS_YCbCr.rawValue) || colorSpace == Int32(TJCS_RGB.rawValue)
    else { throw .unsupported(path: path, format: .jpeg, feature: "CMYK colours") }
    try ImageLimits.check(
      width: Int(width), height: Int(height), bytes: bytes.count, format: .jpeg, path: path)
    return (Int(width), Int(height), isGrey)
  }

  private func failure(_ path: String) -> DatasetError {
    let message = tjGetErrorStr2(handle).map { String(cString: $0) } ?? "unknown error"
    return .codec(path: path, format: .jpeg, message: message)
  }
}
