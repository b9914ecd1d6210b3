import CKernels

/// The right to a file or a folder, which one process has at a time.
///
/// It is a lock on a file of its own. The system releases it when the process that holds it ends, in whatever way; the
/// file holds the id of its last holder. A file system without locks lets every process through.
package final class FileLock: Sendable {
  package enum Failure: Error, Sendable {
    /// Another process holds it; `nil` where that hasn't written its id yet.
    case inUse(process: Int?)
    case file(FileError)
  }

  private let descriptor: Int32
  private let path: String
  private let isRemoved: Bool

  /// Takes the lock.
  ///
  /// - Parameter isRemoved: whether the file goes when the lock is given back; a process that is killed leaves it.
  package init(path: String, isRemoved: Bool) throws(Failure) {
    self.path = path
    self.isRemoved = isRemoved
    while true {
      let descriptor = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0o666)
      guard descriptor >= 0 else { throw .file(FileError(.write, path, code: errno)) }
      if snug_lock_file(descriptor, 0) != 0, errno == EWOULDBLOCK {
        let holder = Self.process(in: descriptor)
        close(descriptor)
        throw .inUse(process: holder)
      }
      if isRemoved, !Self.isAt(path, descriptor) {
        // Its holder has removed it since it was opened, and another process may hold a new one.
        close(descriptor)
        continue
      }
      let line = Array("\(getpid())\n".utf8)
      // The id is for people; the lock holds without it.
      _ = ftruncate(descriptor, 0)
      _ = line.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, 0) }
      self.descriptor = descriptor
      return
    }
  }

  deinit {
    if isRemoved { unlink(path) }
    close(descriptor)
  }

  /// Whether the file of that path is the open one.
  private static func isAt(_ path: String, _ descriptor: Int32) -> Bool {
    var (named, opened) = (stat(), stat())
    guard stat(path, &named) == 0, fstat(descriptor, &opened) == 0 else { return false }
    return named.st_ino == opened.st_ino && named.st_dev == opened.st_dev
  }

  private static func process(in descriptor: Int32) -> Int? {
    var buffer = [UInt8](repeating: 0, count: 32)
    let count = buffer.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, 0) }
    let text = String(decoding: buffer.prefix(max(count, 0)), as: UTF8.self)
    return Int(text.prefix(while: \.isNumber))
  }
}
