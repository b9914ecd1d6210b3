import AccumulatorBounds

/// The verdict on a model: for each dot-product layer, whether its accumulator can overflow.
public struct VerificationResult: Sendable {
  public let layers: [LayerVerdict]
  public let findings: [ModelFinding]
  /// Operators in the model that the verifier doesn't know and the caller takes to hide no dot product.
  public let assumptions: [OperatorName]
  /// Initializers that the file also lists as inputs: the verdict is for their values in the file.
  public let replaceableConstants: [String]

  /// True where no accumulator of any layer can leave its range, for any input and order of summation.
  public var isCertified: Bool {
    layers.allSatisfy(\.isCertified) && !findings.contains(where: \.preventsCertificate)
  }

  /// True where a guarantee is disproved rather than left open.
  public var isRefuted: Bool {
    layers.contains { $0.findings.contains(where: \.isRefutation) }
      || findings.contains(where: \.isRefutation)
  }
}

/// The verdict on one layer.
public struct LayerVerdict: Sendable {
  public let layer: LayerAnalysis
  /// How the sum is made in two stages; `nil` for one register.
  public let tiles: TileVerdict?
  /// P, the width that the layer is tested against; `nil` where none is known.
  public let targetBits: Int?
  /// Everything that stands against a certificate.
  public let findings: [Finding]
  /// An input that overflows, for a layer whose integers do.
  public let counterexample: ChannelCounterexample?

  public var isCertified: Bool { findings.isEmpty }

  /// The least signed width of the register that sums products: of a tile where there are such.
  public var requiredBits: Int? { tiles?.requiredBits ?? layer.requiredBits }

  /// The l1 norm that a channel whose weights sum to zero may have under the target: (2^P - 2), less twice the
  /// magnitude of a bias that counts, over the width of the input's range, rounded down. `nil` without a target
  /// or a range.
  public func normBudget(ofChannel index: Int) -> Int64? {
    guard let targetBits, let input = layer.input, let range = AccumulatorRange(bits: targetBits)
    else { return nil }
    let width = Int128(input.integerMaximum) - Int128(input.integerMinimum)
    let bias = layer.biasRange(ofChannel: index)
    let reach = max(bias.lowerBound.magnitude, bias.upperBound.magnitude)
    let room = Int128(range.maximum) - Int128(reach)
    return width > 0 ? Int64(clamping: 2 * max(room, 0) / width) : nil
  }
}
