/// An open file that is read from start to end, or again after it is rewound.
package final class InputFile: Sendable {
  package let path: String
  /// The number of bytes in the file; `nil` where it has no size of its own (a pipe).
  package let size: Int?
  let descriptor: Int32

  /// Opens a file for reading.
  ///
  /// - Throws: ``FileError``, with `EISDIR` for a folder.
  package convenience init(path: String) throws(FileError) {
    try self.init(path, flags: 0) { $0 == S_IFDIR ? EISDIR : nil }
  }

  /// Opens a file whose name comes from others, and refuses pipes, devices, folders and links.
  ///
  /// - Throws: ``FileError``, with `EINVAL` where the path names no regular file.
  package convenience init(regularFile path: String) throws(FileError) {
    // A pipe would block here until somebody writes to it.
    try self.init(path, flags: O_NOFOLLOW | O_NONBLOCK) { $0 == S_IFREG ? nil : EINVAL }
  }

  /// - Parameter refusal: the error for a kind of file; `nil` for one that is accepted.
  private init(_ path: String, flags: Int32, refusal: (mode_t) -> Int32?) throws(FileError) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | flags)
    guard descriptor >= 0 else { throw FileError(.read, path, code: errno) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      let code = errno
      close(descriptor)
      throw FileError(.read, path, code: code)
    }
    if let code = refusal(status.st_mode & S_IFMT) {
      close(descriptor)
      throw FileError(.read, path, code: code)
    }
    self.path = path
    self.size = status.st_mode & S_IFMT == S_IFREG ? Int(status.st_size) : nil
    self.descriptor = descriptor
  }

  deinit { close(descriptor) }

  /// Fills `buffer` with the next bytes, as far as the file reaches.
  ///
  /// - Returns: the number of bytes read; fewer than `buffer.count` only at the end of the file.
  /// - Throws: ``FileError`` where the file can't be read.
  package func read(into buffer: UnsafeMutableRawBufferPointer) throws(FileError) -> Int {
    var filled = 0
    while filled < buffer.count, let base = buffer.baseAddress {
      // One call moves at most 2 GiB on Linux.
      let wanted = min(buffer.count - filled, 1 << 30)
      #if canImport(Darwin)
        let count = Darwin.read(descriptor, base + filled, wanted)
      #elseif canImport(Musl)
        let count = Musl.read(descriptor, base + filled, wanted)
      #else
        let count = Glibc.read(descriptor, base + filled, wanted)
      #endif
      if count == 0 { break }
      if count < 0 {
        if errno == EINTR { continue }
        throw FileError(.read, path, code: errno)
      }
      filled += count
    }
    return filled
  }

  /// Fills `buffer` from an offset in the file, whatever was read before.
  ///
  /// - Returns: false where the file ends too early or can't be read.
  package func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) -> Bool {
    var filled = 0
    while filled < buffer.count, let base = buffer.baseAddress {
      let count = pread(
        descriptor, base + filled, min(buffer.count - filled, 1 << 30), off_t(offset + filled))
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return false }
      filled += count
    }
    return true
  }

  /// Ends the process with one line on standard error and status 2, that of an unusable input. It is called when
  /// bytes of a tensor can't be read again, without which readers of the tensor can't continue.
  ///
  /// Since the call may come from any thread, with locks held, nothing else runs at the end, except that unfinished
  /// outputs are removed.
  package func endProcessAsChanged() -> Never {
    let line =
      "error: \(path): the file was changed while it was in use; leave it alone and start again\n"
    line.utf8CString.withUnsafeBytes { bytes in
      _ = write(STDERR_FILENO, bytes.baseAddress, bytes.count - 1)
    }
    TemporaryFile.removeAll()
    _exit(2)
  }

  /// Continues at an offset in the file.
  ///
  /// - Throws: ``FileError``, with `ESPIPE` for a pipe.
  package func seek(to offset: Int) throws(FileError) {
    guard lseek(descriptor, off_t(offset), SEEK_SET) >= 0 else {
      throw FileError(.read, path, code: errno)
    }
  }

  /// Returns to the start of the file.
  ///
  /// - Throws: ``FileError``, with `ESPIPE` for a pipe.
  package func rewind() throws(FileError) {
    try seek(to: 0)
  }

  /// The bytes from the current position to the end.
  ///
  /// - Throws: ``FileError``, with `EFBIG` where there are more than `limit` bytes.
  package func readAll(limit: Int = .max) throws(FileError) -> [UInt8] {
    guard size ?? 0 <= limit else { throw FileError(.read, path, code: EFBIG) }
    var bytes: [UInt8] = []
    var capacity = max(size ?? 0, 1 << 16)
    while true {
      var chunk = [UInt8](repeating: 0, count: capacity)
      let count = try chunk.withUnsafeMutableBufferPointer { (buffer) throws(FileError) in
        try read(into: UnsafeMutableRawBufferPointer(buffer))
      }
      chunk.removeLast(capacity - count)
      if bytes.isEmpty { bytes = chunk } else { bytes += chunk }
      guard bytes.count <= limit else { throw FileError(.read, path, code: EFBIG) }
      if count < capacity { return bytes }
      capacity = 1 << 20
    }
  }
}
