import TensorCore

/// Bytes that are read once, from front to back, from a file or from memory.
///
/// A file passes through a small window, so that its size takes no memory.
struct ByteSource {
  /// The number of all bytes.
  let count: Int
  /// The number of bytes consumed so far.
  private(set) var position = 0

  private let file: InputFile?
  /// All bytes of a source in memory, or the window on a file.
  private var window: [UInt8]
  private var cursor = 0

  private static let windowSize = 1 << 18

  init(_ bytes: [UInt8]) {
    file = nil
    window = bytes
    count = bytes.count
  }

  /// Makes a source of a file; a pipe, whose size is unknown, is first read to its end.
  ///
  /// - Parameter limit: the number of bytes that a pipe may hold.
  init(_ file: InputFile, limit: Int) throws(FileError) {
    if let size = file.size {
      count = size
      window = []
      self.file = file
    } else {
      window = try file.readAll(limit: limit)
      count = window.count
      self.file = nil
    }
  }

  var remaining: Int { count - position }

  /// The first bytes, without consuming them.
  ///
  /// - Precondition: nothing was consumed yet.
  mutating func prefix(_ length: Int) throws(FormatProblem) -> ArraySlice<UInt8> {
    if window.isEmpty { try refill() }
    return window.prefix(length)
  }

  /// The next byte; `nil` at the end.
  mutating func next() throws(FormatProblem) -> UInt8? {
    if cursor == window.count {
      guard position < count else { return nil }
      try refill()
      guard cursor < window.count else { return nil }
    }
    defer {
      cursor += 1
      position += 1
    }
    return window[cursor]
  }

  /// Appends the next `length` bytes to `output`.
  ///
  /// - Returns: false where the source ends too early.
  /// - Throws: ``FormatProblem`` where the file can't be read.
  mutating func copy(_ length: Int, to output: inout [UInt8]) throws(FormatProblem) -> Bool {
    var rest = length
    while rest > 0 {
      if cursor == window.count {
        guard position < count else { return false }
        try refill()
        guard cursor < window.count else { return false }
      }
      let part = min(rest, window.count - cursor)
      output += window[cursor..<cursor + part]
      cursor += part
      position += part
      rest -= part
    }
    return true
  }

  /// Fills `buffer` with the next bytes, from beyond the window where that is used up.
  ///
  /// - Returns: false where the source ends too early.
  /// - Throws: ``FormatProblem`` where the file can't be read.
  mutating func fill(_ buffer: UnsafeMutableRawBufferPointer) throws(FormatProblem) -> Bool {
    let part = min(buffer.count, window.count - cursor)
    window.withUnsafeBytes { bytes in
      buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[cursor..<cursor + part]))
    }
    cursor += part
    position += part
    guard part < buffer.count, file != nil else { return part == buffer.count }
    let more = try read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[part...]))
    position += more
    return part + more == buffer.count
  }

  /// The next `length` bytes, which are read on demand; `nil` where that is not worth it, or not possible.
  ///
  /// If the file is cut short before that, the process ends: ``InputFile/endProcessAsChanged()``.
  ///
  /// - Precondition: `length` bytes remain.
  mutating func deferred(_ length: Int) throws(FormatProblem) -> TensorStorage? {
    guard let file, length >= TensorStorage.leastRenewableBytes, length > window.count - cursor
    else { return nil }
    let offset = position
    position += length
    cursor = window.count
    do { try file.seek(to: position) } catch { throw .cannotRead(error) }
    return .renewable(byteCount: length) { buffer in
      guard file.read(into: buffer, at: offset) else {
        file.endProcessAsChanged()
      }
    }
  }

  private mutating func refill() throws(FormatProblem) {
    guard file != nil else { return }
    var next = [UInt8](repeating: 0, count: min(Self.windowSize, remaining))
    let filled = try next.withUnsafeMutableBufferPointer { (buffer) throws(FormatProblem) in
      try read(into: UnsafeMutableRawBufferPointer(buffer))
    }
    next.removeLast(next.count - filled)
    window = next
    cursor = 0
  }

  private func read(into buffer: UnsafeMutableRawBufferPointer) throws(FormatProblem) -> Int {
    do {
      return try file?.read(into: buffer) ?? 0
    } catch {
      throw .cannotRead(error)
    }
  }
}
