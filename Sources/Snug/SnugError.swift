import GraphIR
import OnnxFormat
import TensorCore

/// Why a job can't be done.
public enum SnugError: Error, Sendable {
  case recipe(RecipeFileError)
  /// A model or tensor file can't be read or written.
  case format(FormatError)
  case graph(file: String, GraphError)
  /// A file that is neither model nor tensor can't be read or written.
  case file(FileError)
}

extension SnugError {
  /// The failure as users read it, on one line.
  public var diagnostic: Diagnostic {
    switch self {
    case .recipe(let error): error.diagnostic
    case .format(let error): Diagnostic(error.isOutput ? .output : .model, "\(error)")
    case .graph(let file, let error): Diagnostic(.model, file: file, "\(error)")
    case .file(let error):
      Diagnostic(error.operation == .write ? .output : .data, "\(error)")
    }
  }
}

extension SnugError: CustomStringConvertible {
  public var description: String { diagnostic.description }
}
