/// Why a job can't be done.
public enum SnugError: Error, Sendable {
  case recipe(RecipeFileError)
}

extension SnugError {
  /// The failure as users read it, on one line.
  public var diagnostic: Diagnostic {
    switch self {
    case .recipe(let error): error.diagnostic
    }
  }
}

extension SnugError: CustomStringConvertible {
  public var description: String { diagnostic.description }
}
