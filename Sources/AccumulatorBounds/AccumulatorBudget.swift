/// The budget of one channel's integer weights, within which no accumulator of the channel can overflow, for every
/// input in the range and every order of summation.
///
/// The constraint is exact: sufficient and necessary. It covers a bias inside the bound, a non-zero zero point of the
/// input, separate limits for each sign, and a dot product in tiles that are summed in a narrow inner register before
/// a wider outer one.
package struct AccumulatorBudget: Sendable, Hashable {
  /// The range of what is multiplied with a weight, less the zero point.
  package let input: IntegerRange
  /// The register that sums products: that of a tile where there are tiles, else that of the whole channel.
  package let accumulator: AccumulatorRange
  package let tiling: Tiling?
  /// Which products make a tile; `nil` where runs of the channel's weights do.
  package let runs: ProductRuns?
  /// What is multiplied in a tile's register where it isn't ``input``: codes, as bytes.
  package let tileInput: IntegerRange?
  /// The register that adds the bias: the outer one where there are tiles.
  package let biasRegister: AccumulatorRange
  /// The bias that the accumulator (with tiles, the outer one) adds, first or at any later time.
  package let bias: Int64
  /// The closed form that the weights keep to, which is sufficient; `nil` for what the registers allow exactly.
  package let bound: NormBound?
  /// The sign sums that fit for each run of products that share the register ``accumulator``.
  package let inner: SignSumRegion
  /// The sign sums that fit the outer register for the whole channel; `nil` without tiles.
  package let outer: SignSumRegion?

  /// Makes a budget; gives `nil` where an input less the zero point, or the outer register, exceeds 64 bits.
  ///
  /// - Parameters:
  ///   - input: the range of the inputs as stored.
  ///   - runs: which products make a tile, where these aren't runs of the channel's weights.
  ///   - tileInput: what is multiplied in a tile's register where that isn't the inputs less the zero point.
  ///   - positiveLimit: a further upper limit of S+, the sum of the positive weights of a run of products; at least
  ///     0.
  ///   - negativeLimit: a further upper limit of S-, the sum of the negative weights' magnitudes of a run; at least
  ///     0.
  ///   - bound: the closed form that the weights keep to; `nil` for what the registers allow exactly.
  package init?(
    input: IntegerRange, zeroPoint: Int64 = 0, accumulator: AccumulatorRange, bias: Int64 = 0,
    tiling: Tiling? = nil, runs: ProductRuns? = nil, tileInput: IntegerRange? = nil,
    positiveLimit: Int64 = .max, negativeLimit: Int64 = .max, bound: NormBound? = nil
  ) {
    guard let range = input.subtracting(zeroPoint: zeroPoint),
      let last = tiling.map(\.outer) ?? accumulator
    else { return nil }
    self.input = range
    self.accumulator = accumulator
    self.tiling = tiling
    self.runs = tiling == nil ? nil : runs
    self.tileInput = tiling == nil ? nil : tileInput
    self.biasRegister = last
    self.bias = bias
    self.bound = bound
    func region(_ exact: SignSumRegion, _ input: IntegerRange) -> SignSumRegion {
      bound?.region(within: exact, input: input) ?? exact
    }
    let products = self.tileInput ?? range
    self.inner = region(
      SignSumRegion(
        input: products, accumulator: accumulator, bias: tiling == nil ? bias : 0,
        positiveLimit: positiveLimit, negativeLimit: negativeLimit), products)
    self.outer = tiling.map { _ in
      region(SignSumRegion(input: range, accumulator: last, bias: bias), range)
    }
  }

  /// The same budget with another bias.
  package func with(bias: Int64) -> AccumulatorBudget {
    guard
      let result = AccumulatorBudget(
        input: input, accumulator: accumulator, bias: bias, tiling: tiling, runs: runs,
        tileInput: tileInput, positiveLimit: inner.positiveLimit,
        negativeLimit: inner.negativeLimit, bound: bound)
    else { preconditionFailure("a range whose zero point is subtracted already") }
    return result
  }

  /// The constraint on the whole channel, which is that of the outer register where there are tiles.
  package var channel: SignSumRegion { outer ?? inner }

  /// Whether any weights fit; none do where the bias alone leaves the accumulator.
  package var isFeasible: Bool { inner.isFeasible && channel.isFeasible }

  /// Whether a channel with these sign sums fits; with tiles, whether it fits the outer register.
  package func check(positiveSum: Int64, negativeSum: Int64) -> Bool {
    guard positiveSum >= 0, negativeSum >= 0 else { return false }
    return channel.contains(SignSums(positive: positiveSum, negative: negativeSum))
  }

  /// Whether the channel's weights fit every register that their products pass through.
  package func check<Weights: RandomAccessCollection>(_ weights: Weights) -> Bool
  where Weights.Element: FixedWidthInteger & SignedInteger {
    guard let sums = SignSums(weights), channel.contains(sums) else { return false }
    guard let tiling else { return true }
    if let runs {
      return runs.runs.allSatisfy { run in
        SignSums(run.map { weights[weights.index(weights.startIndex, offsetBy: $0)] })
          .map(inner.contains) ?? false
      }
    }
    var rest = weights[...]
    while !rest.isEmpty {
      guard let tile = SignSums(rest.prefix(tiling.size)), inner.contains(tile) else {
        return false
      }
      rest = rest.dropFirst(tiling.size)
    }
    return true
  }
}
