import TensorCore

/// Why a recipe file can't be used, with the place where a reader should look.
public struct RecipeFileError: Error, Sendable, Hashable {
  public enum Reason: Sendable, Hashable {
    case unreadable(FileError)
    case tooLarge(limit: Int)
    case notUTF8
    case tooManyAliases(limit: Int)
    case syntax(String)
    case notMapping
    case unknownKey(suggestion: String?)
    case duplicateKey
    /// The value is of another kind than the key takes.
    case expected(String, found: String)
    /// The value is not in the form that the key has.
    case malformed(String)
    /// The value is of the right kind and outside what is allowed.
    case notAllowed(value: String, allowed: String)
    case missingKey(String)
  }

  public var path: String
  /// 1 is the first; `nil` where the whole file is meant.
  public var line: Int?
  public var key: String?
  public var reason: Reason
}

extension RecipeFileError {
  /// The error as users read it.
  public var diagnostic: Diagnostic {
    let (message, hint) = wording
    return Diagnostic(
      .recipe, file: line.map { "\(path):\($0)" } ?? path, subject: key.map { "key '\($0)'" },
      message, hint: hint)
  }

  private var wording: (message: String, hint: String?) {
    switch reason {
    case .unreadable(let error):
      ("can't be read: \(error.reason)", "check the path given to --recipe")
    case .tooLarge(let limit): ("is larger than \(limit / 1024) KiB", "give a YAML recipe")
    case .notUTF8: ("is not UTF-8 text", "give a YAML recipe")
    case .tooManyAliases(let limit):
      ("has more than \(limit) aliases (*name)", "write the values out, and names with * in quotes")
    case .syntax(let problem): ("is not valid YAML: \(problem)", "correct the line")
    case .notMapping: ("holds no mapping", "write one 'option: value' a line")
    case .unknownKey(let suggestion):
      (
        "not an option",
        suggestion.map { "did you mean '\($0)'?" }
          ?? "'snug convert --help' lists the options that a recipe takes"
      )
    case .duplicateKey: ("given twice", "remove one of the two")
    case .expected(let expected, let found): ("found \(found)", "give \(expected)")
    case .malformed(let problem): (problem, nil)
    case .notAllowed(let value, let allowed): ("\(value) is not allowed", "allowed: \(allowed)")
    case .missingKey(let name): ("an entry has no '\(name)'", "add '\(name): ...'")
    }
  }
}
