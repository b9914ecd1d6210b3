import TensorCore

/// Reading and writing of NumPy's `.npy` files.
package enum NpyFile {
  /// Reads a whole array into row-major order of this machine's byte order.
  ///
  /// The format's versions 1 to 3 are read, with booleans, integers of 8 to 64 bits, and floats of 16 to 64 bits.
  ///
  /// - Throws: ``DatasetError`` where the file can't be read or holds anything else.
  package static func read(_ path: String) throws(DatasetError) -> Tensor {
    try NpyArray(try DataFile(path)).tensor()
  }

  /// The file of an array in a folder of such: its name, in which `/` and `:` become `_`.
  package static func fileName(of array: String) -> String {
    String(array.map { $0 == "/" || $0 == ":" ? "_" : $0 }) + ".npy"
  }

  /// Writes `tensor`, with bfloat16 as float32 and four-bit integers as int8 or uint8.
  ///
  /// The file appears complete under its name, or not at all.
  ///
  /// - Throws: ``DatasetError`` where the tensor has no counterpart in NumPy or the file can't be written.
  package static func write(_ tensor: Tensor, to path: String) throws(DatasetError) {
    guard let tensor = representable(tensor) else {
      throw .elementType(
        path: path, field: "array", expected: "numbers that NumPy has",
        actual: tensor.elementType.onnxName)
    }
    let header = NpyHeader(elementType: tensor.elementType, shape: tensor.shape).encoded()
    do {
      var file = try AtomicFile(replacing: path)
      try file.write(header)
      try tensor.storage.withBytes { (bytes) throws(FileError) in try file.write(bytes) }
      try file.commit()
    } catch {
      throw .file(error)
    }
  }

  /// `tensor` in an element type that NumPy has.
  static func representable(_ tensor: Tensor) -> Tensor? {
    if NpyHeader.hasCounterpart(tensor.elementType) { return tensor }
    switch tensor.elementType {
    case .bfloat16: return tensor.convertedToFloat()
    case .int4: return tensor.integers().map { Tensor($0.map(Int8.init), shape: tensor.shape) }
    case .uint4: return tensor.integers().map { Tensor($0.map(UInt8.init), shape: tensor.shape) }
    default: return nil
    }
  }
}

/// An array whose elements may be read only on demand from a file.
struct NpyArray: Sendable {
  /// The array's name in errors: the file, and the entry within an archive.
  let path: String
  private(set) var header: NpyHeader
  /// The elements, in the header's byte order and dimension order.
  private(set) var elements: ByteSource

  init(_ file: DataFile) throws(DatasetError) {
    try self.init(.file(file, offset: 0, count: file.size), path: file.path)
  }

  init(_ source: ByteSource, path: String) throws(DatasetError) {
    self.path = path
    header = try NpyHeader(source, path: path)
    elements = try source.part(header.dataOffset, source.count - header.dataOffset)
  }

  /// The array's first samples, at most `limit` of them.
  ///
  /// An array that is stored by columns stays whole, since its samples are spread all over it.
  func leading(_ limit: Int?) throws(DatasetError) -> NpyArray {
    guard let limit, let count = header.shape.first, limit < count, !header.isFortranOrder else {
      return self
    }
    var copy = self
    copy.header.shape[0] = limit
    copy.elements = try elements.part(0, elements.count / count * limit)
    return copy
  }

  /// An array in memory; element types that NumPy lacks are widened.
  init(_ tensor: Tensor, path: String) throws(DatasetError) {
    guard let tensor = NpyFile.representable(tensor) else {
      throw .elementType(
        path: path, field: "tensor", expected: "numbers", actual: tensor.elementType.onnxName)
    }
    self.path = path
    header = NpyHeader(elementType: tensor.elementType, shape: tensor.shape)
    elements = .memory(tensor.storage)
  }

  /// The elements in memory, in row-major order of this machine's byte order.
  func tensor() throws(DatasetError) -> Tensor {
    try MemoryLimit.check(elements.count, path: path)
    let width = (header.elementType.bitWidth ?? 8) / 8
    let source = try elements.storage(0..<elements.count)
    let storage = TensorStorage(byteCount: elements.count) { target in
      source.withBytes { source in
        if header.isFortranOrder {
          Self.transpose(source, to: target, shape: header.shape, width: width)
        } else {
          target.copyMemory(from: source)
        }
      }
      if header.isBigEndian { Self.swapBytes(target, width: width) }
      if header.elementType == .bool {
        // In NumPy any byte but 0 is true, in Swift only 1.
        for index in target.indices where target[index] != 0 { target[index] = 1 }
      }
    }
    guard
      let tensor = Tensor(elementType: header.elementType, shape: header.shape, storage: storage)
    else {
      throw .malformed(
        path: path, format: .npy, field: "data", expected: "\(header.shape)",
        actual: "\(elements.count) bytes")
    }
    return tensor
  }

  /// Reverses the bytes of each element in place.
  static func swapBytes(_ bytes: UnsafeMutableRawBufferPointer, width: Int) {
    guard width > 1 else { return }
    for start in stride(from: 0, to: bytes.count - width + 1, by: width) {
      for byte in 0..<width / 2 { bytes.swapAt(start + byte, start + width - 1 - byte) }
    }
  }

  /// Copies column-major elements into row-major order.
  private static func transpose(
    _ source: UnsafeRawBufferPointer, to target: UnsafeMutableRawBufferPointer, shape: [Int],
    width: Int
  ) {
    let count = target.count / width
    var strides = [Int](repeating: 1, count: shape.count)
    for axis in shape.indices.dropFirst() { strides[axis] = strides[axis - 1] * shape[axis - 1] }
    var position = [Int](repeating: 0, count: shape.count)
    var from = 0
    for index in 0..<count {
      for byte in 0..<width { target[index * width + byte] = source[from * width + byte] }
      for axis in shape.indices.reversed() {
        position[axis] += 1
        from += strides[axis]
        if position[axis] < shape[axis] { break }
        from -= shape[axis] * strides[axis]
        position[axis] = 0
      }
    }
  }
}
