import Quantization
import Verification

/// What a user says of a verification, before names are looked up.
public struct VerificationOptions: Sendable {
  public var accumulatorBits: Int?
  public var registers: Registers?
  /// Names of operators, as ``OperatorName`` reads them.
  public var assumptions: [String] = []
  public var isStrict = false

  public init() {}

  /// - Throws: ``SnugError/registersWithWidth(_:)`` where registers that give the width stand beside one, and
  ///   ``SnugError/operatorName(_:)``.
  public func conditions() throws(SnugError) -> VerificationConditions {
    if let registers, registers.bits != nil, accumulatorBits != nil {
      throw .registersWithWidth(registers.name)
    }
    var names: Set<OperatorName> = []
    for text in assumptions {
      guard let name = OperatorName(text) else { throw .operatorName(text) }
      names.insert(name)
    }
    return VerificationConditions(
      accumulatorBits: accumulatorBits, registers: registers, assumptions: names,
      isStrict: isStrict)
  }
}

extension VerificationOptions: SettingTable {
  /// What `verify` is done under.
  package static let settings = VerificationConditionSettings.settings + [registers]

  package static let registers = Setting<VerificationOptions>(
    "registers", \.registers, .text { try RegistersFile.registers($0) },
    "Registers that every layer is tested against: \(Registers.named.map(\.name).joined(separator: ", ")), or a YAML file that describes them",
    placeholder: "name|file.yaml", defaultText: "what the file states for each layer")
}

/// What `verify` calls condition options, but for the registers, whose file is a path.
package enum VerificationConditionSettings: SettingTable {
  package static let settings: [Setting<VerificationOptions>] = [
    Setting(
      "accumulator-bits", \.accumulatorBits, .integer(1...64),
      "Width that every layer is tested against, of tiles where it has such", placeholder: "p",
      defaultText: "what the file states for each layer"),
    Setting(
      "assume-no-layers-in", \.assumptions, .texts, fallback: [],
      "Operator that isn't known and that you know to hide no dot product, may be repeated; the verdict says it",
      placeholder: "domain:type", defaultText: "none", isOptional: true),
    Setting(
      "strict", \.isStrict, .yesNo, fallback: false,
      "Refuse constants that the file also lists as inputs, which a caller can replace",
      isOptional: true),
  ]
}
