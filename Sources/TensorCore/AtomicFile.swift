import CKernels

/// A file that appears under its name only once it is complete.
///
/// Bytes go to a ``TemporaryFile`` in the same folder, which ``commit()`` flushes and renames. Without a commit the
/// temporary file is removed, and whatever was at the path stays as it was. A path that names a device or a pipe is
/// written to directly.
package struct AtomicFile: ~Copyable {
  package let path: String
  /// The number of bytes written so far.
  package private(set) var count = 0
  private let descriptor: Int32
  /// The file that the rename replaces: `path` with symbolic links followed.
  private let target: String
  /// The temporary file; `nil` once it is renamed, and for a device.
  private var temporary: TemporaryFile?
  /// The number of bytes that the disk was told to start writing.
  private var started = 0

  /// Starts a file that will replace `path`.
  ///
  /// - Throws: ``FileError`` where the folder does not exist or can't be written to.
  package init(replacing path: String) throws(FileError) {
    var status = stat()
    let exists = stat(path, &status) == 0
    // A name that is too long, or in a folder that can't be entered, is refused before anything is computed.
    if !exists, errno != ENOENT || path.isEmpty { throw FileError(.write, path, code: errno) }
    let kind = status.st_mode & S_IFMT
    if exists && kind == S_IFDIR { throw FileError(.write, path, code: EISDIR) }
    let isReplaceable = !exists || kind == S_IFREG
    if exists && isReplaceable && access(path, W_OK) != 0 {
      throw FileError(.write, path, code: errno)
    }
    let target = exists ? (try? FilePath.resolved(path)) ?? path : path
    let temporary = isReplaceable ? try TemporaryFile(beside: target, for: path) : nil
    let descriptor = temporary?.descriptor ?? open(path, O_WRONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw FileError(.write, path, code: errno) }
    if exists && isReplaceable { _ = fchmod(descriptor, status.st_mode & 0o7777) }
    self.path = path
    self.descriptor = descriptor
    self.target = target
    self.temporary = temporary
  }

  deinit {
    temporary?.remove()
    close(descriptor)
  }

  /// Appends bytes.
  ///
  /// - Throws: ``FileError``, with `ENOSPC` on a full disk.
  package mutating func write(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
    var written = 0
    while written < bytes.count, let base = bytes.baseAddress {
      let wanted = min(bytes.count - written, 1 << 30)
      #if canImport(Darwin)
        let result = Darwin.write(descriptor, base + written, wanted)
      #elseif canImport(Musl)
        let result = Musl.write(descriptor, base + written, wanted)
      #else
        let result = Glibc.write(descriptor, base + written, wanted)
      #endif
      if result < 0 {
        if errno == EINTR { continue }
        throw FileError(.write, path, code: errno)
      }
      written += result
    }
    count += written
    startFlushing()
  }

  /// Lets the disk work while the rest of a large file is computed, so that ``commit()`` waits less.
  private mutating func startFlushing() {
    guard temporary != nil, count - started >= 8 << 20 else { return }
    snug_start_flush(descriptor, Int64(started), Int64(count - started))
    started = count
  }

  /// Appends bytes.
  ///
  /// - Throws: ``FileError``, with `ENOSPC` on a full disk.
  package mutating func write(_ bytes: [UInt8]) throws(FileError) {
    try bytes.withUnsafeBufferPointer { (buffer) throws(FileError) in
      try write(UnsafeRawBufferPointer(buffer))
    }
  }

  /// Appends the bytes of a tensor, whose memory is given back where its content can be read again.
  ///
  /// - Throws: ``FileError``, with `ENOSPC` on a full disk.
  package mutating func write(_ storage: TensorStorage) throws(FileError) {
    try storage.withBytes { (bytes) throws(FileError) in try write(bytes) }
    storage.discard()
  }

  /// Flushes the bytes to the disk and gives the file its name.
  ///
  /// - Throws: ``FileError`` where the disk or the rename fails.
  package consuming func commit() throws(FileError) {
    guard let file = temporary else { return }
    guard fsync(descriptor) == 0, rename(file.path, target) == 0 else {
      throw FileError(.write, path, code: errno)
    }
    file.forget()
    temporary = nil
  }

  /// Writes a whole file.
  ///
  /// - Throws: ``FileError`` where the file can't be made or written.
  package static func write(_ bytes: [UInt8], to path: String) throws(FileError) {
    var file = try AtomicFile(replacing: path)
    try file.write(bytes)
    try file.commit()
  }
}
