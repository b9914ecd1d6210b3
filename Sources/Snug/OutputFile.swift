import Glibc
import TensorCore

/// Files and folders that jobs make beside models.
enum OutputFile {
  /// Writes a whole text file; whatever was at the path stays until it is complete.
  static func write(_ text: String, to path: String) throws(SnugError) {
    do throws(FileError) {
      try AtomicFile.write(Array(text.utf8), to: path)
    } catch {
      throw .file(error)
    }
  }

  /// Makes a folder and those above it, where they are missing.
  static func makeFolder(_ path: String) throws(FileError) {
    var status = stat()
    if stat(path, &status) == 0 {
      guard status.st_mode & S_IFMT == S_IFDIR else {
        throw FileError(.write, path, code: ENOTDIR)
      }
      return
    }
    let parent = FilePath.folder(of: path)
    if parent != path, parent != "." { try makeFolder(parent) }
    guard mkdir(path, 0o777) == 0 || errno == EEXIST else {
      throw FileError(.write, path, code: errno)
    }
  }
}
