/// The closed-form limits on a channel's l1 norm in integer units that A2Q and A2Q+ put in place of
/// the exact budget: sufficient, never necessary.
public enum NormBound: String, Sendable, Hashable, CaseIterable {
  /// (2^(P-1) - 1) 2^([x signed] - N): arXiv 2308.13504.
  case a2q
  /// (2^P - 2) / (2^N - 1), for weights that sum to zero: arXiv 2401.10432, eq. 19.
  case a2qPlus

  /// T for inputs of `inputBits` bits, or `nil` where ``IntegerRange`` has no such type.
  public func limit(accumulator: AccumulatorRange, inputBits: Int, inputSigned: Bool) -> Double? {
    guard let input = IntegerRange(bits: inputBits, signed: inputSigned) else { return nil }
    return limit(input: input, room: Int128(accumulator.maximum))
  }

  /// T for a budget: the room is the smaller one of the two sides of the bias.
  ///
  /// With tiles this is the outer register's limit, and each tile has ``tileLimit(_:)`` besides.
  public func limit(_ budget: AccumulatorBudget) -> Double {
    // An accumulator reaches one further below zero than above; the closed forms leave that unused.
    let region = budget.channel
    return limit(input: budget.input, room: min(region.above, region.below - 1))
  }

  /// T for a tile of a budget with tiles.
  public func tileLimit(_ budget: AccumulatorBudget) -> Double {
    limit(input: budget.input, room: min(budget.inner.above, budget.inner.below - 1))
  }

  private func limit(input: IntegerRange, room: Int128) -> Double {
    let (along, against) = input.magnitudes
    let room = max(room, 0)
    let (numerator, denominator) =
      switch self {
      // For a full unsigned range this is 2^N, one more than its greatest value, as published.
      case .a2q: (room, against == 0 ? along + 1 : max(along, against))
      case .a2qPlus: (2 * room, along + against)
      }
    return denominator == 0 ? .infinity : Self.quotient(numerator, denominator)
  }

  /// The quotient, correctly rounded, or below it where an operand exceeds the 53 bits of a double.
  private static func quotient(_ numerator: Int128, _ denominator: Int128) -> Double {
    let quotient = Double(numerator) / Double(denominator)
    guard numerator.magnitude >> 53 != 0 || denominator.magnitude >> 53 != 0 else {
      return quotient
    }
    return quotient.nextDown.nextDown
  }
}
