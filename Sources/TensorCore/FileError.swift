/// A file-system call that failed.
public struct FileError: Error, Sendable, Hashable {
  public enum Operation: Sendable, Hashable {
    case read, write
  }

  public let operation: Operation
  public let path: String
  /// The value of `errno`.
  public let code: Int32

  public init(_ operation: Operation, _ path: String, code: Int32) {
    self.operation = operation
    self.path = path
    self.code = code
  }

  /// The system's message for ``code``, such as "No space left on device".
  public var reason: String { String(cString: strerror(code)) }
}

extension FileError: CustomStringConvertible {
  public var description: String {
    switch operation {
    case .read: "cannot read '\(path)': \(reason)\(advice)"
    case .write: "cannot write '\(path)': \(reason)\(advice)"
    }
  }

  /// What to do about a cause that a user can remove.
  private var advice: String {
    switch code {
    case ENOENT where operation == .write: "; create the folder, or name another"
    case ENOENT, ENOTDIR, ENAMETOOLONG: "; check the path"
    case EISDIR: "; name a file"
    case EACCES, EPERM: "; check its permissions"
    case EROFS: "; name a path on another file system"
    case ENOSPC, EDQUOT: "; make room on the disk"
    case EFBIG where operation == .write: "; raise the limit on the size of files (ulimit -f)"
    default: ""
    }
  }
}
