import CKernels
import Synchronization

/// The file to which an output is written before it gets its name.
///
/// The file is locked as long as it is open, and its name marks it as temporary (``isName(_:)``). A process that
/// writes to a folder removes the temporary files there that can be locked: their processes are dead, on whatever
/// host or in whatever container they ran. Where the file system has no locks nothing is removed.
package struct TemporaryFile: Sendable {
  let path: String
  let descriptor: Int32
  /// The slot in which the path is kept for the signal handler.
  private let slot: Int32

  /// The folders that this process has searched.
  private static let swept = Mutex<Set<String>>([])

  /// - Parameters:
  ///   - target: the file that it will replace; it is made in the same folder.
  ///   - output: the name of the output in errors.
  init(beside target: String, for output: String) throws(FileError) {
    let folder = target.lastIndex(of: "/").map { String(target[...$0]) } ?? ""
    Self.sweep(folder)
    while true {
      let digits = String(UInt64.random(in: .min ... .max), radix: 16)
      let path = folder + Self.prefix + "\(getpid())-\(digits)" + Self.suffix
      var slot: Int32 = -1
      let descriptor = snug_make_temporary(path, &slot)
      if descriptor < 0 {
        if errno == EEXIST { continue }
        throw FileError(.write, output, code: errno)
      }
      _ = snug_lock_file(descriptor, 1)
      // Between the making and the locking, another process may have removed it as one of a dead process.
      var status = stat()
      if fstat(descriptor, &status) != 0 || status.st_nlink > 0 {
        self.path = path
        self.descriptor = descriptor
        self.slot = slot
        return
      }
      snug_forget_temporary(slot)
      close(descriptor)
    }
  }

  /// Removes the file; its descriptor stays open.
  func remove() {
    unlink(path)
    forget()
  }

  /// Forgets the file, which has another name or is removed.
  func forget() { snug_forget_temporary(slot) }

  /// Removes all temporary files of this process, which must end after it. Async-signal-safe.
  package static func removeAll() { snug_remove_temporaries() }

  private static let prefix = ".snug-"
  private static let suffix = ".tmp"

  /// Whether a name is that of a temporary file: `.snug-PROCESS-RANDOM.tmp`.
  static func isName(_ name: String) -> Bool {
    guard name.hasPrefix(prefix), name.hasSuffix(suffix) else { return false }
    let parts = name.dropFirst(prefix.count).dropLast(suffix.count).split(
      separator: "-", omittingEmptySubsequences: false)
    return parts.count == 2 && parts.allSatisfy { !$0.isEmpty && $0.allSatisfy(\.isHexDigit) }
  }

  /// Removes the temporary files of dead processes from a folder, the first time that this process writes there.
  ///
  /// - Parameter folder: the path with a slash at its end; empty for the working directory.
  private static func sweep(_ folder: String) {
    guard swept.withLock({ $0.insert(folder).inserted }) else { return }
    removeAbandoned(in: folder)
  }

  static func removeAbandoned(in folder: String) {
    guard let stream = opendir(folder.isEmpty ? "." : folder) else { return }
    defer { closedir(stream) }
    while let entry = readdir(stream) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if isName(name) { removeIfAbandoned(folder + name) }
    }
  }

  private static func removeIfAbandoned(_ path: String) {
    // Locks on network file systems need a file that is open for writing.
    let descriptor = open(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    var opened = stat()
    var named = stat()
    guard fstat(descriptor, &opened) == 0, opened.st_mode & S_IFMT == S_IFREG,
      snug_lock_file(descriptor, 0) == 0,
      // It may have got its final name since.
      lstat(path, &named) == 0, named.st_dev == opened.st_dev, named.st_ino == opened.st_ino
    else { return }
    unlink(path)
  }
}
