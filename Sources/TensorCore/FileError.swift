#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

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

  /// The system's words for `code`, such as "No space left on device".
  public var reason: String { String(cString: strerror(code)) }
}

extension FileError: CustomStringConvertible {
  public var description: String {
    switch operation {
    case .read: "cannot read '\(path)': \(reason)"
    case .write: "cannot write '\(path)': \(reason)"
    }
  }
}
