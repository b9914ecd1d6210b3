/// Operations on file paths.
package enum FilePath {
  /// The absolute path without links, `.` and `..`.
  ///
  /// - Throws: ``FileError`` where it does not exist.
  package static func resolved(_ path: String) throws(FileError) -> String {
    guard let real = realpath(path, nil) else { throw FileError(.read, path, code: errno) }
    defer { free(real) }
    return String(cString: real)
  }

  /// The folder in which a path names its file; `.` for a bare name.
  package static func folder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  /// The last component of a path.
  package static func name(of path: String) -> String {
    path.lastIndex(of: "/").map { String(path[path.index(after: $0)...]) } ?? path
  }

  /// Makes a folder and the folders above it where they are missing.
  ///
  /// - Throws: ``FileError``, with `ENOTDIR` where a file is in the way.
  package static func makeFolder(_ path: String) throws(FileError) {
    var status = stat()
    if stat(path, &status) == 0 {
      guard status.st_mode & S_IFMT == S_IFDIR else {
        throw FileError(.write, path, code: ENOTDIR)
      }
      return
    }
    let parent = folder(of: path)
    if parent != path, parent != "." { try makeFolder(parent) }
    guard mkdir(path, 0o777) == 0 || errno == EEXIST else {
      throw FileError(.write, path, code: errno)
    }
  }
}
