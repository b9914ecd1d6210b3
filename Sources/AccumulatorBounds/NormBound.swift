/// The closed-form limits T on a channel's l1 norm in integer units that A2Q and A2Q+ use in place of the exact
/// budget, for an accumulator of P bits and inputs x of N bits. They are sufficient, but not necessary.
package enum NormBound: String, Sendable, Hashable, CaseIterable {
  /// A2Q's limit, (2^(P-1) - 1) 2^([x signed] - N): arXiv 2308.13504.
  case a2q
  /// A2Q+'s limit, (2^P - 2) / (2^N - 1), for weights that sum to zero: arXiv 2401.10432, eq. 19.
  case a2qPlus

  /// The limit T for inputs of `inputBits` bits; `nil` where ``IntegerRange`` has no such type.
  package func limit(accumulator: AccumulatorRange, inputBits: Int, inputSigned: Bool) -> Double? {
    guard let input = IntegerRange(bits: inputBits, signed: inputSigned) else { return nil }
    return limit(input: input, room: Int128(accumulator.maximum))
  }

  /// The limit T for a budget, whose room is the smaller one of those above and below the bias.
  ///
  /// With tiles this is the limit of the outer register, and each tile also has ``tileLimit(_:)``.
  ///
  /// - Precondition: the budget is that of the register, without a closed form in its place.
  package func limit(_ budget: AccumulatorBudget) -> Double {
    precondition(budget.bound == nil, "a closed form has no limit of its own")
    // An accumulator reaches one unit further below zero than above, which the closed forms leave unused.
    let region = budget.channel
    return limit(input: budget.input, room: min(region.above, region.below - 1))
  }

  /// The limit T for a tile of a budget with tiles.
  package func tileLimit(_ budget: AccumulatorBudget) -> Double {
    limit(input: budget.input, room: min(budget.inner.above, budget.inner.below - 1))
  }

  /// The sign sums of integers that keep the closed form: S+ + S- up to T for A2Q, and S+ and S- up to T / 2 each for
  /// A2Q+, whose weights sum to zero.
  ///
  /// - Parameters:
  ///   - exact: the sign sums that fit the register, all of those of the closed form among them.
  ///   - input: the range of what is multiplied with a weight, less the zero point.
  func region(within exact: SignSumRegion, input: IntegerRange) -> SignSumRegion {
    let divisor = divisor(input)
    guard exact.isFeasible, divisor > 0 else { return exact }
    let room = max(min(exact.above, exact.below - 1), 0)
    return SignSumRegion(
      along: 1, against: self == .a2q ? 1 : 0, limit: room / divisor,
      positiveLimit: exact.positiveLimit, negativeLimit: exact.negativeLimit)
  }

  private func limit(input: IntegerRange, room: Int128) -> Double {
    let divisor = divisor(input)
    if divisor == 0 { return .infinity }
    return Self.quotient(self == .a2q ? max(room, 0) : 2 * max(room, 0), divisor)
  }

  /// What the room is divided by for T (A2Q) or T / 2 (A2Q+).
  private func divisor(_ input: IntegerRange) -> Int128 {
    let (along, against) = input.magnitudes
    return switch self {
    // For a full unsigned range this is 2^N, one more than the greatest value, as published.
    case .a2q: against == 0 ? along + 1 : max(along, against)
    case .a2qPlus: along + against
    }
  }

  /// The quotient, correctly rounded, or less where an operand exceeds the 53 bits of a double.
  private static func quotient(_ numerator: Int128, _ denominator: Int128) -> Double {
    let quotient = Double(numerator) / Double(denominator)
    guard numerator.magnitude >> 53 != 0 || denominator.magnitude >> 53 != 0 else {
      return quotient
    }
    return quotient.nextDown.nextDown
  }
}
