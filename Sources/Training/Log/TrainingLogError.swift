import TensorCore

/// Why a training log can't be kept.
public enum TrainingLogError: Error, Sendable, Hashable {
  /// The operating system refused to open, read or write.
  case file(FileError)
  /// A file to continue holds something else; `line` counts from 1.
  case foreign(path: String, line: Int)

  /// Whether an output can't be written, rather than an input not be used.
  public var isOutput: Bool {
    if case .file(let error) = self { error.operation == .write } else { false }
  }

  /// Runs `body` and wraps what the file system throws.
  static func wrapping<T>(_ body: () throws(FileError) -> T) throws(TrainingLogError) -> T {
    do { return try body() } catch { throw .file(error) }
  }

  /// The value of an expression, with what the file system throws wrapped.
  static func wrapping<T>(_ value: @autoclosure () throws(FileError) -> T) throws(TrainingLogError)
    -> T
  {
    do { return try value() } catch { throw .file(error) }
  }
}

extension TrainingLogError: CustomStringConvertible {
  /// One line that names the file and says what to do.
  public var description: String {
    switch self {
    case .file(let error): "\(error)"
    case .foreign(let path, let line):
      "\(path): line \(line) is no row of a training log; name the log of the run that resumes, or a "
        + "new file"
    }
  }
}
