import TensorCore

/// Opens IDX files as MNIST has them: unsigned bytes, with images in three dimensions and labels in one.
enum IdxFiles {
  /// Whether `bytes` are the beginning of an IDX file of unsigned bytes with three dimensions.
  static func isImages(_ bytes: some Sequence<UInt8>) -> Bool {
    bytes.starts(with: [0, 0, 0x08, 3])
  }

  /// The file of images in a folder, that of the training images where there are several; `nil` where there is none.
  static func images(in folder: Folder) throws(DatasetError) -> String? {
    let files = folder.files.filter { $0.contains("images") && $0.contains("idx3-ubyte") }
    let training = files.filter { $0.hasPrefix("train") }
    let candidates = training.isEmpty ? files : training
    if candidates.count > 1 { throw .ambiguous(path: folder.path, choices: candidates) }
    return candidates.first.map(folder.path(of:))
  }

  /// Opens images, and the labels beside them where there are any.
  ///
  /// - Parameter limit: the largest number of images to take, from the first on.
  static func open(
    _ file: DataFile, limit: Int? = nil
  ) throws(DatasetError) -> (images: PackedImages, labels: [Int]?) {
    let (shape, source) = try array(file, rank: 3)
    let (count, height, width) = (shape[0], shape[1], shape[2])
    guard count > 0, height > 0, width > 0 else {
      throw .empty(path: file.path, what: "the array of images")
    }
    try ImageLimits.check(width: width, height: height, path: file.path)
    let images = PackedImages(
      parts: [
        PackedImages.Part(
          path: file.path, source: source, offset: 16, stride: height * width,
          count: min(count, limit ?? count))
      ],
      size: ImageSize(width: width, height: height), channels: 1)
    guard let labelPath = labelPath(for: file.path) else { return (images, nil) }

    let (labelShape, labels) = try array(try DataFile(labelPath), rank: 1)
    guard labelShape == [count] else {
      throw .sampleCount(
        path: labelPath, field: "labels", expected: count, actual: labelShape[0])
    }
    let bytes = try labels.storage(8..<8 + min(count, limit ?? count))
    return (images, bytes.withBytes { $0.map(Int.init) })
  }

  /// The path of the labels for the images at a path, `train-labels-idx1-ubyte` for `train-images-idx3-ubyte`,
  /// compressed or not; `nil` where there are none.
  static func labelPath(for path: String) -> String? {
    var name = FilePath.name(of: path)
    if name.hasSuffix(".gz") { name.removeLast(3) }
    guard let images = name.firstRange(of: "images"), name.contains("idx3") else { return nil }
    name.replaceSubrange(images, with: "labels")
    guard let idx = name.firstRange(of: "idx3") else { return nil }
    name.replaceSubrange(idx, with: "idx1")
    let folder = FilePath.folder(of: path)
    return [name, name + ".gz"].map { folder + "/" + $0 }.first { PathKind($0) == .file }
  }

  /// An array of unsigned bytes: its dimensions, and the content of the whole file, which is decompressed if it is
  /// gzip.
  private static func array(
    _ file: DataFile, rank: Int
  ) throws(DatasetError) -> (shape: [Int], content: ByteSource) {
    let path = file.path
    let headerSize = 4 + 4 * rank
    let stored = ByteSource.file(file, offset: 0, count: file.size)
    let isCompressed = try file.prefix(2).elementsEqual([0x1F, 0x8B])
    let start = try TensorStorage(byteCount: headerSize) { (buffer) throws(DatasetError) in
      if isCompressed {
        let count = try InflateStream(stored, .gzip, path: path).read(into: buffer)
        guard count == headerSize else {
          throw .truncated(path: path, needed: headerSize, available: count)
        }
      } else {
        try file.read(at: 0, into: buffer)
      }
    }
    let header = ByteReader(start, path: path)
    let magic = try header.bigEndianUInt32(0)
    guard magic == 0x0800 + rank else {
      throw .malformed(
        path: path, format: .idx, field: "magic number", expected: "\(0x0800 + rank)",
        actual: "\(magic)")
    }
    var shape: [Int] = []
    for axis in 0..<rank { shape.append(try header.bigEndianUInt32(4 + 4 * axis)) }
    // The product of three 32-bit numbers can exceed 64 bits.
    let count = Shape.elementCount(shape) ?? .max
    let (size, overflow) = count.addingReportingOverflow(headerSize)
    guard !overflow else { throw .truncated(path: path, needed: .max, available: file.size) }
    if isCompressed {
      let bytes = try InflatedBytes(stored, .gzip, count: size, path: path)
      return (shape, .inflated(bytes, offset: 0, count: size))
    }
    guard size <= file.size else {
      throw .truncated(path: path, needed: size, available: file.size)
    }
    guard size == file.size else {
      throw .malformed(
        path: path, format: .idx, field: "data", expected: "\(count) bytes",
        actual: "\(file.size - headerSize) bytes")
    }
    return (shape, stored)
  }
}
