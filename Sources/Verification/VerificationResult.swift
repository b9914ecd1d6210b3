import AccumulatorBounds

/// The verdict on a model: for each dot-product layer, whether its accumulator can overflow.
public struct VerificationResult: Sendable {
  public let layers: [LayerVerdict]
  /// The registers against which the caller had every layer tested; `nil` for those that the file states.
  public let registers: Registers?
  public let findings: [ModelFinding]
  /// The operators in the model that the verifier doesn't know and that the caller assumes to hide no dot product.
  public let assumptions: [OperatorName]
  /// The names of initializers that the file also lists as inputs; the verdict is for their values in the file.
  public let replaceableConstants: [String]

  /// Whether no accumulator of any layer can leave its range, for any input and order of summation.
  public var isCertified: Bool {
    layers.allSatisfy(\.isCertified) && !findings.contains(where: \.preventsCertificate)
  }

  /// Whether a guarantee is disproved rather than left open.
  public var isRefuted: Bool {
    layers.contains { $0.findings.contains(where: \.isRefutation) }
      || findings.contains(where: \.isRefutation)
  }
}

/// The verdict on one layer.
public struct LayerVerdict: Sendable {
  public let layer: LayerAnalysis
  /// The analysis of a layer that is summed in two stages; `nil` for a single register.
  public let tiles: TileVerdict?
  /// The accumulator width P, in bits, against which the layer is tested; `nil` where none is known.
  public let targetBits: Int?
  /// The reasons why the layer is not certified; empty for a certified layer.
  public let findings: [Finding]
  /// An input that overflows, where the layer's integers can.
  public let counterexample: ChannelCounterexample?

  public var isCertified: Bool { findings.isEmpty }

  /// The least signed width, in bits, of the register that sums products: that of a tile where there are tiles.
  public var requiredBits: Int? { tiles?.requiredBits ?? layer.requiredBits }

  /// The l1 norm up to which a channel whose weights sum to zero fits the target of P bits: (2^P - 2), less twice the
  /// magnitude of a bias that counts, divided by the width of the input's range, rounded down. `nil` without a target
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
