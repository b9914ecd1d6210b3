import TensorCore

/// Opens the binary version of CIFAR-10: records of one label byte and three planes of 32x32 pixels.
enum CifarFiles {
  private static let side = 32
  private static let recordSize = 1 + 3 * side * side

  /// The batches in a folder. Where there are training batches (`data_batch_*.bin`), the test batch beside them is
  /// left out; it can be given by its own path.
  static func batches(in folder: Folder) -> [String] {
    let files = folder.files.filter { $0.lowercased().hasSuffix(".bin") }
    let training = files.filter { $0.hasPrefix("data_batch") }
    return (training.isEmpty ? files : training).map(folder.path(of:))
  }

  static func open(
    _ paths: [String]
  ) throws(DatasetError) -> (images: PackedImages, labels: [Int]?) {
    var parts: [PackedImages.Part] = []
    var labels: [Int] = []
    for path in paths {
      let file = try DataFile(path)
      guard file.size > 0 else { throw .empty(path: path, what: "the file") }
      guard file.size % recordSize == 0 else {
        throw .malformed(
          path: path, format: .cifar, field: "size", expected: "a multiple of \(recordSize) bytes",
          actual: "\(file.size) bytes")
      }
      let count = file.size / recordSize
      parts.append(
        PackedImages.Part(
          path: path, source: .file(file, offset: 0, count: file.size), offset: 1,
          stride: recordSize, count: count))
      labels += try readLabels(file, count: count)
    }
    let size = ImageSize(width: side, height: side)
    return (PackedImages(parts: parts, size: size, channels: 3), labels)
  }

  private static func readLabels(_ file: DataFile, count: Int) throws(DatasetError) -> [Int] {
    var labels: [Int] = []
    labels.reserveCapacity(count)
    // One large read costs less than a small one for each label.
    let step = 1024
    for start in stride(from: 0, to: count, by: step) {
      let records = min(step, count - start)
      let bytes = try file.bytes(at: start * recordSize, count: records * recordSize)
      bytes.withBytes { bytes in
        for record in 0..<records { labels.append(Int(bytes[record * recordSize])) }
      }
    }
    try Labels.check(labels, path: file.path, classes: 10)
    return labels
  }
}
