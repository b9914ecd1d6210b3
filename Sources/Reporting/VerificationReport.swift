import TensorCore
import Verification

/// The answer of `verify`: the verdict on every layer, and an input for each refuted one that makes it overflow.
public struct VerificationReport: Sendable {
  public var path: String
  public var result: VerificationResult

  public init(path: String, result: VerificationResult) {
    self.path = path
    self.result = result
  }

  /// The document of `verify --json`, whose members are in a fixed order.
  public var json: JSONValue {
    var members: [JSONMember] = [
      JSONMember("certified", .bool(result.isCertified)),
      JSONMember("layers", .array(result.layers.map(\.verificationJSON))),
    ]
    if let registers = result.registers { members.append(JSONMember("registers", registers.json)) }
    members += result.reasonMembers + result.conditionMembers
    return .object(members)
  }

  /// The verdict for people, with counterexamples in short form.
  public func text(style: TextStyle = TextStyle()) -> String {
    let registers = result.registers.map { " in the registers of \($0.name)" } ?? ""
    var paragraphs = [style.wrap("\(path): \(VerdictText.word(result))\(registers)")]
    if !result.layers.isEmpty { paragraphs.append(LayerTable.verification(result, style: style)) }
    let examples = result.layers.compactMap { CounterexampleText.paragraph($0, style: style) }
    let shown = examples.prefix(Self.exampleLimit)
    paragraphs += shown
    if shown.count < examples.count {
      paragraphs.append(
        "\(style.ellipsis) and \(examples.count - shown.count) more refuted layers (--json has all)."
      )
    }
    paragraphs.append(VerdictText.summary(result, style: style))
    return paragraphs.joined(separator: "\n\n") + "\n"
  }

  private static let exampleLimit = 8
}
