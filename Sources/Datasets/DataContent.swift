import TensorCore

/// What the files of a data set hold, as names, sizes and a sample of their bytes. It is the same wherever the data
/// lies, and is found in bounded time, however much data there is.
package struct DataContent: Sendable, Hashable {
  /// A file, named by its path in the folder of the data; the name of a single file is empty, so that it may be
  /// renamed.
  package struct Entry: Sendable, Hashable {
    package var name: String
    package var byteCount: Int
  }

  /// The content of a file that was read.
  package struct Sample: Sendable, Hashable {
    package var name: String
    package var bytes: Fingerprint
  }

  /// All files, in the order of their names.
  package let files: [Entry]
  package let samples: [Sample]

  /// The number of files whose bytes are read, where there are more.
  static let sampleLimit = 64
  /// The number of pieces that are read of a longer file; four times as many where there are at most two files.
  static let pieceLimit = 16
  static let pieceLength = 1 << 16
  /// The largest depth of folders that are searched; the known data sets have one level.
  private static let depthLimit = 4

  /// - Throws: ``DatasetError`` where a file or folder can't be read.
  package init(path: String) throws(DatasetError) {
    var found: [(name: String, path: String)] = []
    if PathKind(path) == .folder {
      try Self.collect(try Folder(path), prefix: "", depth: 0, into: &found)
    } else {
      found = [("", path)]
      if let labels = IdxFiles.labelPath(for: path) { found.append(("labels", labels)) }
    }
    let pieces = found.count <= 2 ? Self.pieceLimit * 4 : Self.pieceLimit
    var files: [Entry] = []
    var chosen = Set(Self.spread(found.count))
    if found.count <= Self.sampleLimit { chosen = Set(found.indices) }
    var samples: [Sample] = []
    for (index, file) in found.enumerated() {
      guard chosen.contains(index) else {
        files.append(Entry(name: file.name, byteCount: try Self.size(file.path)))
        continue
      }
      let opened = try DataFile(file.path)
      files.append(Entry(name: file.name, byteCount: opened.size))
      samples.append(Sample(name: file.name, bytes: try Self.fingerprint(opened, pieces: pieces)))
    }
    self.files = files
    self.samples = samples
  }

  /// The fingerprint of all names and sizes.
  package var listing: Fingerprint {
    var listing = Fingerprint()
    for file in files { listing.combine("\(file.byteCount) \(file.name)") }
    return listing
  }

  private static func collect(
    _ folder: Folder, prefix: String, depth: Int, into found: inout [(name: String, path: String)]
  ) throws(DatasetError) {
    for entry in folder.entries {
      let path = folder.path(of: entry.name)
      if !entry.isFolder {
        found.append((prefix + entry.name, path))
      } else if depth < depthLimit {
        try collect(
          try Folder(path), prefix: prefix + entry.name + "/", depth: depth + 1, into: &found)
      }
    }
  }

  /// Indices from the first to the last at even distances.
  private static func spread(_ count: Int) -> [Int] {
    (0..<sampleLimit).map { $0 * max(count - 1, 0) / (sampleLimit - 1) }
  }

  private static func size(_ path: String) throws(DatasetError) -> Int {
    var status = stat()
    guard stat(path, &status) == 0 else { throw .file(FileError(.read, path, code: errno)) }
    return Int(status.st_size)
  }

  /// The fingerprint of a whole short file, or of pieces of a long one at even distances, including its first and
  /// last bytes.
  private static func fingerprint(_ file: DataFile, pieces limit: Int) throws(DatasetError)
    -> Fingerprint
  {
    var result = Fingerprint()
    let isShort = file.size <= limit * pieceLength
    let count = isShort ? (file.size + pieceLength - 1) / pieceLength : limit
    let last = file.size - pieceLength
    for piece in 0..<count {
      let start = isShort ? piece * pieceLength : piece == count - 1 ? last : last / count * piece
      let bytes = try file.bytes(at: start, count: min(pieceLength, file.size - start))
      bytes.withBytes { result.combine($0) }
    }
    return result
  }
}
