import TensorCore

/// IDX files as MNIST has them: unsigned bytes, images of three dimensions and labels of one.
enum IdxFiles {
  /// Whether `bytes` begin an IDX file of unsigned bytes with three dimensions.
  static func isImages(_ bytes: some Sequence<UInt8>) -> Bool {
    bytes.starts(with: [0, 0, 0x08, 3])
  }

  /// The file of images in a folder: the training images where there are several.
  static func images(in folder: Folder) throws(DatasetError) -> String? {
    let files = folder.files.filter { $0.contains("images") && $0.contains("idx3-ubyte") }
    let training = files.filter { $0.hasPrefix("train") }
    let candidates = training.isEmpty ? files : training
    if candidates.count > 1 { throw .ambiguous(path: folder.path, choices: candidates) }
    return candidates.first.map(folder.path(of:))
  }

  /// Opens images, and the labels beside them where they are.
  static func open(
    _ file: DataFile
  ) throws(DatasetError) -> (images: PackedImages, labels: [Int]?) {
    let source = try content(file)
    let shape = try dimensions(source, rank: 3, path: file.path)
    let (count, height, width) = (shape[0], shape[1], shape[2])
    guard count > 0, height > 0, width > 0 else {
      throw .empty(path: file.path, what: "the array of images")
    }
    try ImageLimits.check(width: width, height: height, path: file.path)
    let images = PackedImages(
      parts: [
        PackedImages.Part(
          path: file.path, source: source, offset: 16, stride: height * width, count: count)
      ],
      size: ImageSize(width: width, height: height), channels: 1)
    guard let labelPath = labelPath(for: file.path) else { return (images, nil) }

    let labelFile = try content(try DataFile(labelPath))
    let labelCount = try dimensions(labelFile, rank: 1, path: labelPath)[0]
    guard labelCount == count else {
      throw .sampleCount(path: labelPath, field: "labels", expected: count, actual: labelCount)
    }
    let bytes = try labelFile.storage(8..<8 + count)
    return (images, bytes.withBytes { $0.map(Int.init) })
  }

  /// `train-labels-idx1-ubyte` for `train-images-idx3-ubyte`, compressed or not.
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

  /// The bytes of a file, decompressed where it is gzip.
  private static func content(_ file: DataFile) throws(DatasetError) -> ByteSource {
    guard try file.prefix(2).elementsEqual([0x1F, 0x8B]) else {
      return .file(file, offset: 0, count: file.size)
    }
    let compressed = try file.bytes(at: 0, count: file.size)
    return .memory(try Inflate.inflate(compressed, .gzip, path: file.path))
  }

  /// The dimensions of the array, whose bytes must be the rest of the file.
  private static func dimensions(
    _ source: ByteSource, rank: Int, path: String
  ) throws(DatasetError) -> [Int] {
    let headerSize = 4 + 4 * rank
    guard source.count >= headerSize else {
      throw .truncated(path: path, needed: headerSize, available: source.count)
    }
    let header = ByteReader(try source.storage(0..<headerSize), path: path)
    let magic = try header.bigEndianUInt32(0)
    guard magic == 0x0800 + rank else {
      throw .malformed(
        path: path, format: .idx, field: "magic number", expected: "\(0x0800 + rank)",
        actual: "\(magic)")
    }
    var shape: [Int] = []
    for axis in 0..<rank { shape.append(try header.bigEndianUInt32(4 + 4 * axis)) }
    guard let count = Shape.elementCount(shape), count <= source.count - headerSize else {
      throw .truncated(
        path: path,
        needed: (Shape.elementCount(shape) ?? .max - headerSize).addingReportingOverflow(headerSize)
          .partialValue,
        available: source.count)
    }
    guard count == source.count - headerSize else {
      throw .malformed(
        path: path, format: .idx, field: "data", expected: "\(count) bytes",
        actual: "\(source.count - headerSize) bytes")
    }
    return shape
  }
}
