import GraphIR

/// What a model is tested against, and what is taken for granted.
public struct VerificationConditions: Sendable, Hashable {
  /// P, 1 to 64, that every layer is tested against, the first and the last included, and in tiled layers each tile,
  /// whose outer register keeps the width that the file states. Without it each layer is tested against the width that
  /// the file's metadata or `finn_datatype` annotation states for it, and one without such a width is not certified.
  public var accumulatorBits: Int?
  /// Operators that the verifier doesn't know and that the caller takes to hide no dot product. An operator that is a
  /// dot product is one whatever is assumed.
  public var assumptions: Set<OperatorName>
  /// Whether an initializer that the file also lists as an input, and that a caller can replace, prevents a
  /// certificate; otherwise its value in the file counts, and the result names it.
  public var isStrict: Bool

  public init(
    accumulatorBits: Int? = nil, assumptions: Set<OperatorName> = [], isStrict: Bool = false
  ) {
    self.accumulatorBits = accumulatorBits
    self.assumptions = assumptions
    self.isStrict = isStrict
  }
}

/// An operator by the names that a node of a file has.
public struct OperatorName: Sendable, Hashable {
  /// Empty for the standard domain.
  public let domain: String
  public let type: String

  public init(domain: String, type: String) {
    self.domain = OpsetImport.canonical(domain)
    self.type = type
  }

  /// `DOMAIN:TYPE`, or the type alone for the standard domain; `nil` where the type is missing.
  public init?(_ text: String) {
    let colon = text.lastIndex(of: ":")
    let type = colon.map { String(text[text.index(after: $0)...]) } ?? text
    if type.isEmpty { return nil }
    self.init(domain: colon.map { String(text[..<$0]) } ?? "", type: type)
  }
}

extension OperatorName: CustomStringConvertible {
  public var description: String { domain.isEmpty ? type : "\(domain):\(type)" }
}
