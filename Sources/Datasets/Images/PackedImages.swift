/// Images of one size whose bytes lie at a fixed distance: the planes of CIFAR-10, or the rows of IDX.
struct PackedImages: ImageSource {
  /// The images of one file.
  struct Part: Sendable {
    var path: String
    var source: ByteSource
    /// The offset of the first image in bytes.
    var offset: Int
    /// The distance in bytes from one image to the next.
    var stride: Int
    var count: Int
  }

  let size: ImageSize
  /// The number of channels: 1, or 3 in planes.
  let channels: Int
  let count: Int
  private let parts: [Part]
  /// The index of the first image of each part.
  private let starts: [Int]

  init(parts: [Part], size: ImageSize, channels: Int) {
    self.parts = parts
    self.size = size
    self.channels = channels
    var starts: [Int] = []
    var count = 0
    for part in parts {
      starts.append(count)
      count += part.count
    }
    self.starts = starts
    self.count = count
  }

  var fixedSize: ImageSize? { size }
  var isDecoded: Bool { false }

  func select(_ indices: [Int]) throws(DatasetError) {
    for (part, start) in zip(parts, starts) {
      let own = indices.filter { $0 >= start && $0 - start < part.count }.map { $0 - start }
      try part.source.select(own, at: part.offset, stride: part.stride)
    }
  }

  func path(of index: Int) -> String { parts[partIndex(index)].path }

  func size(of index: Int, _ decoder: ImageDecoder) throws(DatasetError) -> ImageSize { size }

  func read(_ index: Int, _ decoder: ImageDecoder, into image: inout Image) throws(DatasetError) {
    let partIndex = partIndex(index)
    let part = parts[partIndex]
    let offset = part.offset + (index - starts[partIndex]) * part.stride
    image.resize(width: size.width, height: size.height, channels: channels)
    try image.pixels.withUnsafeMutableBufferPointer { (pixels) throws(DatasetError) in
      try part.source.read(at: offset, into: UnsafeMutableRawBufferPointer(pixels))
    }
    guard channels > 1 else { return }
    let planes = image.pixels
    planes.withUnsafeBufferPointer { planes in
      image.pixels.withUnsafeMutableBufferPointer { pixels in
        for pixel in 0..<size.area {
          for channel in 0..<channels {
            pixels[pixel * channels + channel] = planes[channel * size.area + pixel]
          }
        }
      }
    }
  }

  private func partIndex(_ index: Int) -> Int { starts.lastIndex { $0 <= index } ?? 0 }
}
