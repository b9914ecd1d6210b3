/// Reads images in a model's number of channels, and decodes them only once where memory allows.
struct ImageReader: Sendable {
  let source: any ImageSource
  let inputName: String
  let channels: Int
  /// The expected size in the error for an image of another size.
  let expectedSize: String
  private let cache: PixelCache?
  /// Whether images are kept however they are read, rather than only in training.
  private let isSmall: Bool

  /// - Parameter fixedSize: the size of all images, where it is known to be the same.
  init(_ source: any ImageSource, _ geometry: ImageGeometry, fixedSize: ImageSize?) {
    self.source = source
    inputName = geometry.inputName
    channels = geometry.channels
    cache = source.isDecoded ? PixelCache(count: source.count) : nil
    if let fixedSize {
      expectedSize = "\(fixedSize.width)x\(fixedSize.height)"
      isSmall = fixedSize.area * geometry.channels <= PixelBudget.smallSet / source.count
    } else {
      expectedSize = "the size it had when the data was opened"
      isSmall = false
    }
  }

  /// Calls `body` with the interleaved pixels of an image, which must have `size`.
  ///
  /// - Parameters:
  ///   - decoder, image: reused objects of the calling thread.
  func withPixels(
    _ index: Int, of size: ImageSize, _ reading: BatchReading, _ decoder: ImageDecoder,
    _ image: inout Image, _ body: (UnsafeBufferPointer<UInt8>) -> Void
  ) throws(DatasetError) {
    if let pixels = cache?.pixels(index) { return body(pixels) }
    try source.read(index, decoder, into: &image)
    // A file may have changed since its size was read.
    guard image.size == size else {
      throw .imageSize(
        path: source.path(of: index), input: inputName, width: image.width, height: image.height,
        expected: expectedSize)
    }
    image.convert(toChannels: channels)
    if isSmall || reading == .background { cache?.store(image.pixels, index) }
    image.pixels.withUnsafeBufferPointer(body)
  }
}
