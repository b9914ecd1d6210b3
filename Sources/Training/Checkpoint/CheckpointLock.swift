import CKernels
import TensorCore

/// The right to write states to a folder, which one process has at a time.
///
/// It is a lock on a file in the folder. The system releases it when the process that holds it ends, in whatever way;
/// the file stays, with the id of its last holder. A file system without locks lets every process through.
package final class CheckpointLock: Sendable {
  private let descriptor: Int32

  /// Takes the lock, and makes the folder where it is missing.
  ///
  /// - Throws: ``CheckpointError/inUse(folder:process:)`` while another training has the folder;
  ///   ``CheckpointError/file(_:)`` where the folder or the file can't be made.
  package init(folder: String) throws(CheckpointError) {
    let path = CheckpointStore.lockPath(in: folder)
    try CheckpointError.wrapping(try FilePath.makeFolder(folder))
    let descriptor = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw .file(FileError(.write, path, code: errno)) }
    if snug_lock_file(descriptor, 0) != 0, errno == EWOULDBLOCK {
      let holder = Self.process(in: descriptor)
      close(descriptor)
      throw .inUse(folder: folder, process: holder)
    }
    let line = Array("\(getpid())\n".utf8)
    // The id is for people; the lock holds without it.
    _ = ftruncate(descriptor, 0)
    _ = line.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, 0) }
    self.descriptor = descriptor
  }

  deinit { close(descriptor) }

  /// The process id that the holder has written; `nil` before it has.
  private static func process(in descriptor: Int32) -> Int? {
    var buffer = [UInt8](repeating: 0, count: 32)
    let count = buffer.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, 0) }
    let text = String(decoding: buffer.prefix(max(count, 0)), as: UTF8.self)
    return Int(text.prefix(while: \.isNumber))
  }
}
