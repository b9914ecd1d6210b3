import AccumulatorBounds
import GraphIR

/// What a model is verified against, and what is taken for granted.
public struct VerificationConditions: Sendable, Hashable {
  /// The accumulator width P, from 1 to 64 bits, against which every layer is tested, including the first and the
  /// last. In tiled layers it is that of each tile; the outer register keeps the width that the file states. Without
  /// it each layer is tested against the width that the file's metadata or `finn_datatype` annotation states for it,
  /// and a layer without such a width is not certified.
  public var accumulatorBits: Int?
  /// The registers against which every layer is tested, in place of those that the file states. Where they leave the
  /// width open it is ``accumulatorBits``, or else the file's.
  public var registers: Registers?
  /// The operators that the verifier doesn't know and that the caller assumes to hide no dot product. A known dot
  /// product stays one, whatever is assumed.
  public var assumptions: Set<OperatorName>
  /// Whether an initializer that the file also lists as an input, which a caller can replace, prevents a certificate.
  /// If not, its value in the file counts, and the result names it.
  public var isStrict: Bool

  public init(
    accumulatorBits: Int? = nil, registers: Registers? = nil, assumptions: Set<OperatorName> = [],
    isStrict: Bool = false
  ) {
    self.accumulatorBits = accumulatorBits
    self.registers = registers
    self.assumptions = assumptions
    self.isStrict = isStrict
  }
}

/// The domain and type of an operator, as a node in a file gives them.
public struct OperatorName: Sendable, Hashable {
  /// The operator's domain, which is empty for the standard one.
  public let domain: String
  public let type: String

  public init(domain: String, type: String) {
    self.domain = OpsetImport.canonical(domain)
    self.type = type
  }

  /// Reads `DOMAIN:TYPE`, or the type alone for the standard domain; gives `nil` where the type is missing.
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
