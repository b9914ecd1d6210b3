import GraphIR
import OnnxFormat

/// Why a job can't be done.
public enum SnugError: Error, Sendable {
  case recipe(RecipeFileError)
  /// A model or tensor file can't be read or written.
  case format(FormatError)
  case graph(file: String, GraphError)
}

extension SnugError {
  /// The failure as users read it, on one line.
  public var diagnostic: Diagnostic {
    switch self {
    case .recipe(let error): error.diagnostic
    case .format(let error): Diagnostic(error.isOutput ? .output : .model, "\(error)")
    case .graph(let file, let error): Diagnostic(.model, file: file, "\(error)")
    }
  }
}

extension SnugError: CustomStringConvertible {
  public var description: String { diagnostic.description }
}
