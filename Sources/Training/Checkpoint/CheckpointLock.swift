import TensorCore

/// The right to write states to a folder, which one process has at a time. The lock's file stays in the folder.
package final class CheckpointLock: Sendable {
  private let lock: FileLock

  /// Takes the lock, and makes the folder where it is missing.
  ///
  /// - Throws: ``CheckpointError/inUse(folder:process:)`` while another training has the folder;
  ///   ``CheckpointError/file(_:)`` where the folder or the file can't be made.
  package init(folder: String) throws(CheckpointError) {
    try CheckpointError.wrapping(try FilePath.makeFolder(folder))
    do { lock = try FileLock(path: CheckpointStore.lockPath(in: folder), isRemoved: false) } catch {
      switch error {
      case .inUse(let process): throw .inUse(folder: folder, process: process)
      case .file(let error): throw .file(error)
      }
    }
  }
}
