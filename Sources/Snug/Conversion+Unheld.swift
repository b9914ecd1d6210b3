import Passes
import Quantization
import Reporting
import Verification

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
