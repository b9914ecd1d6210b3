import TensorCore

/// A file that grows at its end. Every write has reached the system when it returns.
final class AppendedFile {
  let path: String
  private let descriptor: Int32

  /// Opens a file, or makes it where it is missing, and cuts it after its first `length` bytes.
  init(path: String, keeping length: Int) throws(FileError) {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw FileError(.write, path, code: errno) }
    var status = stat()
    // A pipe or device, such as /dev/stderr, has nothing to cut.
    let isRegular = fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
    guard !isRegular || ftruncate(descriptor, off_t(length)) == 0 else {
      let code = errno
      close(descriptor)
      throw FileError(.write, path, code: code)
    }
    self.path = path
    self.descriptor = descriptor
  }

  deinit { close(descriptor) }

  func append(_ text: String) throws(FileError) {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      let written = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
      if written < 0 {
        if errno == EINTR { continue }
        throw FileError(.write, path, code: errno)
      }
      rest = rest.dropFirst(written)
    }
  }

  /// Waits until the disk has what was written.
  func synchronize() throws(FileError) {
    // A pipe or device can't be synchronized, and needs no synchronization.
    guard fsync(descriptor) == 0 || errno == EINVAL || errno == EROFS else {
      throw FileError(.write, path, code: errno)
    }
  }
}
