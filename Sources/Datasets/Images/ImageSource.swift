/// Images in a fixed order.
protocol ImageSource: Sendable {
  var count: Int { get }
  /// The size of all images where the format fixes it.
  var fixedSize: ImageSize? { get }
  /// Whether reading an image costs more than copying its pixels.
  var isDecoded: Bool { get }

  /// The name of an image in errors.
  func path(of index: Int) -> String
  /// The size of one image, found without decoding it.
  func size(of index: Int, _ decoder: ImageDecoder) throws(DatasetError) -> ImageSize
  /// Announces that only the images at `indices` will be read.
  func select(_ indices: [Int]) throws(DatasetError)
  /// Reads one image as it is stored, grey or RGB.
  func read(_ index: Int, _ decoder: ImageDecoder, into image: inout Image) throws(DatasetError)
}

extension ImageSource {
  func select(_ indices: [Int]) throws(DatasetError) {}
}

/// The width and height of an image, in pixels.
struct ImageSize: Sendable, Hashable {
  var width: Int
  var height: Int

  /// The sizes of all images, read from their headers.
  static func all(of source: any ImageSource) throws(DatasetError) -> [ImageSize] {
    let unknown = ImageSize(width: 0, height: 0)
    var sizes = [ImageSize](repeating: source.fixedSize ?? unknown, count: source.count)
    if source.fixedSize != nil { return sizes }
    let failure = FirstFailure()
    sizes.withUnsafeMutableBufferPointer { buffer in
      failure.forEachRange(count: source.count, grain: 16, writing: buffer) { range, buffer in
        let decoder = ImageDecoder()
        for index in range {
          failure.attempt(at: index) { () throws(DatasetError) in
            buffer[index] = try source.size(of: index, decoder)
          }
        }
      }
    }
    try failure.check()
    return sizes
  }
}

/// Images in JPEG and PNG files.
struct ImageFiles: ImageSource {
  let paths: [String]

  var count: Int { paths.count }
  var fixedSize: ImageSize? { nil }
  var isDecoded: Bool { true }

  func path(of index: Int) -> String { paths[index] }

  func size(of index: Int, _ decoder: ImageDecoder) throws(DatasetError) -> ImageSize {
    let (width, height) = try decoder.size(paths[index])
    return ImageSize(width: width, height: height)
  }

  func read(_ index: Int, _ decoder: ImageDecoder, into image: inout Image) throws(DatasetError) {
    try decoder.decode(paths[index], into: &image)
  }
}
