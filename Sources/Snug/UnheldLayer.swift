import Passes
import Quantization
import TensorCore
import Verification

/// A dot product that a conversion didn't hold to the accumulator width that was asked for.
public struct UnheldLayer: Sendable, Hashable {
  public var name: String
  /// P that was asked for.
  public var askedBits: Int
  /// The width that the file states for it, in bits; `nil` where it states none.
  public var targetBits: Int?
  /// Why, and what would change it, in one clause.
  public var reason: String
  /// Whether the options say so, as for the first and the last layers.
  public var isByOptions: Bool
}

extension UnheldLayer {
  /// Every dot product of a converted model that the verifier finds outside the recipe's widths, whether the
  /// conversion knows of it or not.
  static func all(_ result: VerificationResult, _ conversion: Conversion, _ recipe: Recipe)
    -> [UnheldLayer]
  {
    result.layers.compactMap { verdict in
      let name = verdict.layer.name
      let override = recipe.override(for: name)
      if override.method ?? recipe.method == .unconstrained { return nil }
      let asked = override.accumulatorBits ?? recipe.accumulatorBits
      if verdict.isCertified, let target = verdict.targetBits, target <= asked { return nil }
      let isExcluded = conversion.excluded.contains(name)
      let exemption = conversion.exemptions[name]
      let findings = verdict.findings.map(\.description).joined(separator: "; ")
      return UnheldLayer(
        name: name, askedBits: asked, targetBits: verdict.targetBits,
        reason: isExcluded
          ? "the recipe leaves it in floating point"
          : exemption == .unknownLength && !findings.isEmpty
            ? findings : exemption?.reason ?? findings,
        isByOptions: isExcluded || exemption == .ioLayer)
    }
  }

  var json: JSONValue {
    [
      "name": .string(name), "asked_bits": JSONValue(askedBits),
      "target_bits": targetBits.map { JSONValue($0) } ?? .null, "reason": .string(reason),
      "by_options": .bool(isByOptions),
    ]
  }
}

extension Conversion.Exemption {
  fileprivate var reason: String {
    switch self {
    case .ioLayer: "it is one of the first or last layers (--io-layers)"
    case .wideProduct(let bits):
      "its operands need \(bits) bits; give --tile-size, fewer --activation-bits, or --activation-products narrow"
    case .unknownLength:
      "the model's shapes don't tell how many products it sums; fix them with --shape"
    case .recurrent(let obstacle): obstacle.description
    }
  }
}
