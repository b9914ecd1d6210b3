import TensorCore

/// Writes samples from memory to a folder, as ``DatasetLoader`` opens it: an array file for each input, or a file for each
/// sample where samples can't be stacked.
package final class SampleFolder {
  /// One sample or several, by the names of the model's inputs.
  package struct Batch {
    package var inputs: [(name: String, tensor: Tensor)]
    /// Labels or targets.
    package var reference: Tensor?

    package init(inputs: [(name: String, tensor: Tensor)], reference: Tensor? = nil) {
      self.inputs = inputs
      self.reference = reference
    }
  }

  package let path: String
  package private(set) var count = 0
  private let isStacked: Bool
  private var arrays: [String: GrowingArray] = [:]
  /// The name of an only input, and that of a reference.
  private static let (onlyName, referenceName) = ("x", "y")

  /// - Parameters:
  ///   - path: an empty folder.
  ///   - isStacked: whether dimension 0 of each array counts samples; else a batch is one sample, as the model takes it.
  package init(path: String, isStacked: Bool) {
    self.path = path
    self.isStacked = isStacked
  }

  /// Adds samples.
  ///
  /// - Throws: ``DatasetError`` where they don't go with those before, hold strings, or can't be written.
  package func append(_ batch: Batch) throws(DatasetError) {
    var named: [(name: String, tensor: Tensor)] = []
    for (name, tensor) in batch.inputs {
      let used = name.isEmpty ? Self.onlyName : name
      named.append((used, try Self.representable(tensor, used)))
    }
    guard let first = named.first else { throw .empty(path: "samples", what: "a batch") }
    if let reference = batch.reference {
      named.append((Self.referenceName, try Self.representable(reference, Self.referenceName)))
    }
    guard Set(named.map { NpyFile.fileName(of: $0.name) }).count == named.count else {
      throw .malformed(
        path: "samples", format: .npy, field: "names", expected: "a file for each",
        actual: named.map(\.name).joined(separator: ", "))
    }
    guard isStacked else {
      let digits = "\(count)"
      let name = String(repeating: "0", count: max(9 - digits.count, 0)) + digits + ".npz"
      try StoredArchive.write(named, to: "\(path)/\(name)")
      count += 1
      return
    }
    let added = first.tensor.shape.first ?? 0
    guard count == 0 || Set(named.map(\.name)) == Set(arrays.keys) else {
      throw .missingEntry(
        path: "samples", entry: arrays.keys.sorted().joined(separator: "', '"),
        found: named.map(\.name))
    }
    for (name, tensor) in named {
      guard let own = tensor.shape.first, own == added else {
        throw .sampleCount(
          path: "samples", field: name, expected: added, actual: tensor.shape.first ?? 0)
      }
      if arrays[name] == nil {
        arrays[name] = try GrowingArray(
          "\(path)/\(NpyFile.fileName(of: name))", like: tensor, name: name)
      }
      try arrays[name]?.append(tensor)
    }
    count += added
  }

  /// Completes the files.
  ///
  /// - Throws: ``DatasetError`` where there are no samples, or a file can't be written.
  package func finish() throws(DatasetError) {
    guard count > 0 else { throw .empty(path: "samples", what: "the source of samples") }
    for array in arrays.values { try array.finish() }
    arrays = [:]
  }

  private static func representable(_ tensor: Tensor, _ name: String) throws(DatasetError) -> Tensor
  {
    if let tensor = NpyFile.representable(tensor) { return tensor }
    throw .elementType(
      path: "samples", field: name, expected: "numbers that NumPy has",
      actual: tensor.elementType.onnxName)
  }
}

/// A `.npy` file whose dimension 0 grows.
private final class GrowingArray {
  private let name: String
  private let file: NewFile
  private var header: NpyHeader
  private let headerLength: Int

  init(_ path: String, like tensor: Tensor, name: String) throws(DatasetError) {
    self.name = name
    header = NpyHeader(elementType: tensor.elementType, shape: tensor.shape)
    // The longest header that the array can come to have.
    header.shape[0] = .max
    headerLength = header.encoded().count
    header.shape[0] = 0
    file = try NewFile(path)
    try file.append([UInt8](repeating: 0, count: headerLength))
  }

  func append(_ tensor: Tensor) throws(DatasetError) {
    guard tensor.elementType == header.elementType else {
      throw .elementType(
        path: "samples", field: name, expected: header.elementType.onnxName,
        actual: tensor.elementType.onnxName)
    }
    guard tensor.shape.dropFirst() == header.shape.dropFirst() else {
      throw .mixedShapes(
        path: "samples", first: Array(header.shape.dropFirst()),
        other: Array(tensor.shape.dropFirst()))
    }
    try tensor.storage.withBytes { (bytes) throws(DatasetError) in try file.append(bytes) }
    header.shape[0] += tensor.shape[0]
  }

  func finish() throws(DatasetError) {
    let bytes = header.encoded(least: headerLength)
    try bytes.withUnsafeBufferPointer { (bytes) throws(DatasetError) in
      try file.put(UnsafeRawBufferPointer(bytes), at: 0)
    }
  }
}

/// A file that didn't exist before, in a folder that no one else looks into: it needs no other name while it is written.
final class NewFile {
  private let path: String
  private let descriptor: Int32
  private var count = 0

  init(_ path: String) throws(DatasetError) {
    self.path = path
    descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw .file(FileError(.write, path, code: errno)) }
  }

  deinit { close(descriptor) }

  func append(_ bytes: [UInt8]) throws(DatasetError) {
    try bytes.withUnsafeBufferPointer { (bytes) throws(DatasetError) in
      try append(UnsafeRawBufferPointer(bytes))
    }
  }

  func append(_ bytes: UnsafeRawBufferPointer) throws(DatasetError) {
    try put(bytes, at: count)
    count += bytes.count
  }

  /// Writes bytes in place of those that are there.
  func put(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(DatasetError) {
    var done = 0
    while let base = bytes.baseAddress, done < bytes.count {
      let written = pwrite(
        descriptor, base + done, min(bytes.count - done, 1 << 30), off_t(offset + done))
      if written < 0 {
        if errno == EINTR { continue }
        throw .file(FileError(.write, path, code: errno))
      }
      done += written
    }
  }
}
