#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Text operations on file paths.
public enum FilePath {
  /// The path without links, `.` and `..`.
  ///
  /// - Throws: ``FileError`` where it does not exist.
  public static func resolved(_ path: String) throws(FileError) -> String {
    guard let real = realpath(path, nil) else { throw FileError(.read, path, code: errno) }
    defer { free(real) }
    return String(cString: real)
  }

  /// The folder that a path names its file in; `.` for a bare name.
  public static func folder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  /// The last component of a path.
  public static func name(of path: String) -> String {
    path.lastIndex(of: "/").map { String(path[path.index(after: $0)...]) } ?? path
  }
}
