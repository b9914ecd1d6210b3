import ArgumentParser
import Snug

/// The value of an option that names a file or folder. No option takes a path as a plain string, so that
/// ``Subcommand/paths`` finds all that a command reads and writes.
protocol PathArgument: ExpressibleByArgument {
  var path: String { get }

  /// What it is written as; `nil` for an input.
  static var output: JobPaths.Output? { get }
}

/// A path alone.
protocol PlainPathArgument: PathArgument {
  init(path: String)
}

extension PlainPathArgument {
  init?(argument: String) {
    if argument.isEmpty { return nil }
    self.init(path: argument)
  }
}

/// A file or folder that is read.
struct InputPath: PlainPathArgument {
  let path: String
  static let output: JobPaths.Output? = nil
}

/// Where a model is written.
struct ModelOutputPath: PlainPathArgument {
  let path: String
  static let output: JobPaths.Output? = .model
}

/// Where a file is written as a whole.
struct OutputPath: PlainPathArgument {
  let path: String
  static let output: JobPaths.Output? = .file
}

/// Where a file is written bit by bit.
struct LogOutputPath: PlainPathArgument {
  let path: String
  static let output: JobPaths.Output? = .log
}

/// A folder that files are written to.
struct OutputFolderPath: PlainPathArgument {
  let path: String
  static let output: JobPaths.Output? = .folder
}

/// The folder of a training's states.
struct StateFolderPath: PlainPathArgument {
  let path: String
  static let output: JobPaths.Output? = .states
}

/// Registers by their name, or by the file that describes them.
struct RegistersArgument: PlainPathArgument {
  let path: String
  static let output: JobPaths.Output? = nil

  /// - Throws: ``SnugError`` where there are no such registers.
  func registers() throws -> Registers { try RegistersFile.registers(path) }
}

/// `NAME=FILE` of one graph input.
struct InputBinding: PathArgument {
  let name: String
  let path: String
  static let output: JobPaths.Output? = nil

  init?(argument: String) {
    guard let separator = argument.firstIndex(of: "=") else { return nil }
    name = String(argument[..<separator])
    path = String(argument[argument.index(after: separator)...])
    guard !name.isEmpty, !path.isEmpty else { return nil }
  }
}

/// The folder of a sweep.
struct SweepFolderPath: PlainPathArgument {
  let path: String
  static let output: JobPaths.Output? = .sweep
}
