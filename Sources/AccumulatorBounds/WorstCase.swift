/// The least and the greatest value that an accumulator can pass through while it computes one dot
/// product: over every input in the range, every order of the products, and every prefix of it.
///
/// With a = max(xmax, 0) and b = max(-xmin, 0) these are
///
///     minimum = min(least bias, 0) - (a S- + b S+)        maximum = max(greatest bias, 0) + (a S+ + b S-)
///
/// A product that has not been added yet counts like an input of 0, so a range without 0 widens to
/// include it. The bias is a summand like the products: an accumulator that starts from it is covered,
/// and one that takes it in last. The bounds are attained: what raises the sum may all come first.
public struct WorstCase: Sendable, Hashable {
  public var minimum: Int128
  public var maximum: Int128

  /// - Parameters:
  ///   - sums: the channel's integer weights by sign.
  ///   - input: what is multiplied with a weight, a zero point already subtracted.
  ///   - bias: bounds of what is added first or between the products.
  public init(of sums: SignSums, input: IntegerRange, bias: ClosedRange<Int64> = 0...0) {
    let (a, b) = input.magnitudes
    // 63-bit sums times 64-bit magnitudes, twice, and a bias: below 2^127.
    minimum =
      Int128(min(bias.lowerBound, 0))
      - (a * Int128(sums.negative) + b * Int128(sums.positive))
    maximum =
      Int128(max(bias.upperBound, 0))
      + (a * Int128(sums.positive) + b * Int128(sums.negative))
  }

  /// The worst case beside one bias.
  public init(of sums: SignSums, input: IntegerRange, bias: Int64) {
    self.init(of: sums, input: input, bias: bias...bias)
  }

  /// The least P such that both bounds lie in -2^(P-1) ... 2^(P-1) - 1.
  public var requiredBits: Int { max(Self.bits(for: minimum), Self.bits(for: maximum)) }

  public func fits(_ accumulator: AccumulatorRange) -> Bool {
    accumulator.contains(minimum) && accumulator.contains(maximum)
  }

  /// The narrowest signed two's complement width that holds `value`.
  static func bits(for value: Int128) -> Int {
    129 - (value < 0 ? ~value : value).leadingZeroBitCount
  }
}

extension IntegerRange {
  /// What one unit of weight adds at most in its own direction (a) and in the other (b).
  var magnitudes: (a: Int128, b: Int128) {
    (max(Int128(maximum), 0), max(-Int128(minimum), 0))
  }
}

/// The accumulator width that the data types alone demand, whatever the weights (arXiv 2401.10432,
/// eq. 20): ceil(log2(2^alpha + 1) + 1) with alpha = log2 K + N + M - 1 - [x signed], in integers.
///
/// - Parameters:
///   - dotLength: K, at least 1.
///   - inputBits: N, at least 1.
///   - weightBits: M, at least 1; signed weights.
/// - Returns: `nil` where an argument is out of range.
public func dataTypeBits(dotLength: Int, inputBits: Int, inputSigned: Bool, weightBits: Int)
  -> Int?
{
  guard dotLength >= 1, (1...64).contains(inputBits), (1...64).contains(weightBits) else {
    return nil
  }
  // B = K 2^e; the bound is the least P with B <= 2^(P-1) - 1, which is the bit length of B plus 1.
  let exponent = inputBits + weightBits - 1 - (inputSigned ? 1 : 0)
  return Int.bitWidth - dotLength.leadingZeroBitCount + exponent + 1
}
