/// What the integer weights of one channel may use, so that no accumulator of the channel can
/// overflow: for every input in the range and every order of summation.
///
/// The constraint is exact, sufficient and necessary. It covers a bias inside the bound, a non-zero
/// input zero point, limits of their own per sign, and a dot product cut into tiles that are summed
/// in a narrow inner register before a wider outer one.
public struct AccumulatorBudget: Sendable, Hashable {
  /// A dot product cut into runs of consecutive products, each summed in its own inner register.
  public struct Tiling: Sendable, Hashable {
    /// Products a tile, at least 1; the last tile of a channel may be shorter.
    public let length: Int
    /// The register that sums the tiles' results and the bias.
    public let outer: AccumulatorRange

    /// A tiling, or `nil` unless `length` is at least 1.
    public init?(length: Int, outer: AccumulatorRange) {
      guard length >= 1 else { return nil }
      self.length = length
      self.outer = outer
    }
  }

  /// What is multiplied with a weight, the zero point already subtracted.
  public let input: IntegerRange
  /// The register that sums products: of a tile where there are tiles, else of the whole channel.
  public let accumulator: AccumulatorRange
  public let tiling: Tiling?
  /// What the accumulator (with tiles, the outer one) adds besides, first or at any later time.
  public let bias: Int64
  /// What each run of products that share the register `accumulator` may use.
  public let inner: SignSumRegion
  /// What the whole channel may use besides; `nil` without tiles.
  public let outer: SignSumRegion?

  /// A budget, or `nil` where an input less the zero point exceeds 64 bits.
  ///
  /// - Parameters:
  ///   - input: the range of the inputs as stored.
  ///   - positiveLimit: the most that S+ of a run of products may be besides; at least 0.
  ///   - negativeLimit: the same for S-.
  public init?(
    input: IntegerRange, zeroPoint: Int64 = 0, accumulator: AccumulatorRange, bias: Int64 = 0,
    tiling: Tiling? = nil, positiveLimit: Int64 = .max, negativeLimit: Int64 = .max
  ) {
    guard let range = input.subtracting(zeroPoint: zeroPoint) else { return nil }
    self.input = range
    self.accumulator = accumulator
    self.tiling = tiling
    self.bias = bias
    self.inner = SignSumRegion(
      input: range, accumulator: accumulator, bias: tiling == nil ? bias : 0,
      positiveLimit: positiveLimit, negativeLimit: negativeLimit)
    self.outer = tiling.map { SignSumRegion(input: range, accumulator: $0.outer, bias: bias) }
  }

  /// The same budget beside another bias.
  public func with(bias: Int64) -> AccumulatorBudget {
    guard
      let result = AccumulatorBudget(
        input: input, accumulator: accumulator, bias: bias, tiling: tiling,
        positiveLimit: inner.positiveLimit, negativeLimit: inner.negativeLimit)
    else { preconditionFailure("a range whose zero point is subtracted already") }
    return result
  }

  /// The register that takes the bias in: the outer one where there are tiles.
  public var biasRegister: AccumulatorRange { tiling?.outer ?? accumulator }

  /// The constraint on the whole channel: the outer register's where there are tiles.
  public var channel: SignSumRegion { outer ?? inner }

  /// False where the bias alone leaves the accumulator, so that no weights fit.
  public var isFeasible: Bool { inner.isFeasible && channel.isFeasible }

  /// True where a channel with these sums fits; with tiles, where the outer register does.
  public func check(positiveSum: Int64, negativeSum: Int64) -> Bool {
    guard positiveSum >= 0, negativeSum >= 0 else { return false }
    return channel.contains(SignSums(positive: positiveSum, negative: negativeSum))
  }

  /// True where the channel's weights fit every register they pass through.
  public func check<Weights: RandomAccessCollection>(_ weights: Weights) -> Bool
  where Weights.Element: FixedWidthInteger & SignedInteger {
    guard let sums = SignSums(weights), channel.contains(sums) else { return false }
    guard let tiling else { return true }
    var rest = weights[...]
    while !rest.isEmpty {
      guard let tile = SignSums(rest.prefix(tiling.length)), inner.contains(tile) else {
        return false
      }
      rest = rest.dropFirst(tiling.length)
    }
    return true
  }
}
