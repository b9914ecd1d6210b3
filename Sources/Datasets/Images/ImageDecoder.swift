import TensorCore

/// Decodes JPEG and PNG files, which it tells apart by their first bytes. Not safe to use from two threads at once.
final class ImageDecoder {
  private let jpeg = JPEGDecoder()
  /// The file being decoded, in memory that is reused.
  private var buffer = ScratchBuffer<UInt8>(uninitializedCount: 1 << 16)

  /// Decodes a whole file into `image`, as grey where the file is grey and as RGB otherwise.
  func decode(_ path: String, into image: inout Image) throws(DatasetError) {
    let file = try DataFile(path)
    let bytes = try load(file, count: file.size)
    if Self.isJPEG(bytes) {
      try jpeg.decode(bytes, path: path, into: &image)
    } else if Self.isPNG(bytes) {
      try PNGDecoder.decode(bytes, path: path, into: &image)
    } else {
      throw Self.notAnImage(file)
    }
  }

  /// The width and height that a file's header gives.
  func size(_ path: String) throws(DatasetError) -> (width: Int, height: Int) {
    let file = try DataFile(path)
    var bytes = try load(file, count: min(file.size, 1 << 16))
    if Self.isPNG(bytes) { return try PNGDecoder.size(bytes, path: path) }
    guard Self.isJPEG(bytes) else { throw Self.notAnImage(file) }
    // A JPEG's size may come after large metadata.
    if bytes.count < file.size, JPEGDecoder.needsMore(bytes) {
      bytes = try load(file, count: file.size)
    }
    return try jpeg.size(bytes, path: path)
  }

  static func isJPEG(_ bytes: some Sequence<UInt8>) -> Bool {
    bytes.starts(with: [0xFF, 0xD8, 0xFF])
  }

  static func isPNG(_ bytes: some Sequence<UInt8>) -> Bool {
    bytes.starts(with: PNGDecoder.signature)
  }

  private static func notAnImage(_ file: DataFile) -> DatasetError {
    file.size == 0
      ? .empty(path: file.path, what: "the file")
      : .malformed(
        path: file.path, format: .image, field: "content", expected: "JPEG or PNG",
        actual: "something else")
  }

  private func load(_ file: DataFile, count: Int) throws(DatasetError) -> UnsafeRawBufferPointer {
    try MemoryLimit.check(count, path: file.path)
    if buffer.elements.count < count { buffer = ScratchBuffer(uninitializedCount: count) }
    let part = UnsafeMutableRawBufferPointer(start: buffer.pointer, count: count)
    try file.read(at: 0, into: part)
    return UnsafeRawBufferPointer(part)
  }
}
