/// The least and the greatest value that an accumulator can pass through while it computes one dot product, over
/// every input in the range, every order of the products, and every prefix of that order.
///
/// With a = max(xmax, 0) and b = max(-xmin, 0) for inputs in xmin...xmax, and the sign sums S+ and S- of the weights
/// (``SignSums``), these are
///
///     minimum = min(least bias, 0) - (a S- + b S+)        maximum = max(greatest bias, 0) + (a S+ + b S-)
///
/// A product that has not been added yet counts like an input of 0, so that a range without 0 is widened to include
/// it. The bias is a summand like the products: an accumulator that starts from it is covered, and so is one that
/// adds it last. The bounds are attained, since all that raises the sum may come first.
public struct WorstCase: Sendable, Hashable {
  public var minimum: Int128
  public var maximum: Int128

  /// - Parameters:
  ///   - sums: the sums of the channel's integer weights by sign.
  ///   - input: the range of what is multiplied with a weight, less the zero point.
  ///   - bias: the bounds of the bias, which is added first or between the products.
  package init(of sums: SignSums, input: IntegerRange, bias: ClosedRange<Int64> = 0...0) {
    let (a, b) = input.magnitudes
    // 63-bit sums times 64-bit magnitudes, twice, and a bias: below 2^127.
    minimum =
      Int128(min(bias.lowerBound, 0))
      - (a * Int128(sums.negative) + b * Int128(sums.positive))
    maximum =
      Int128(max(bias.upperBound, 0))
      + (a * Int128(sums.positive) + b * Int128(sums.negative))
  }

  /// The worst case with one constant bias.
  package init(of sums: SignSums, input: IntegerRange, bias: Int64) {
    self.init(of: sums, input: input, bias: bias...bias)
  }

  /// The worst case of a register that takes any `count` products of a channel.
  package init(
    ofAny count: Int, in weights: some Sequence<some FixedWidthInteger & SignedInteger>,
    input: IntegerRange
  ) {
    let (a, b) = input.magnitudes
    let weights = weights.map { Int128($0) }
    func farthest(_ along: Int128, _ against: Int128) -> Int128 {
      weights.map { $0 > 0 ? along * $0 : against * -$0 }.sorted(by: >).prefix(count)
        .reduce(0, +)
    }
    maximum = farthest(a, b)
    minimum = -farthest(b, a)
  }

  /// The least width P such that both bounds lie in -2^(P-1) ... 2^(P-1) - 1.
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
  /// The most that one unit of weight adds in its own direction (a) and in the other (b).
  var magnitudes: (a: Int128, b: Int128) {
    (max(Int128(maximum), 0), max(-Int128(minimum), 0))
  }
}

/// The accumulator width P that the data types alone demand, whatever the weights (arXiv 2401.10432, eq. 20):
/// ceil(log2(2^alpha + 1) + 1) with alpha = log2 K + N + M - 1 - [x signed], computed in integers.
///
/// - Parameters:
///   - dotLength: the number K of products, at least 1.
///   - inputBits: the width N of the inputs, at least 1.
///   - weightBits: the width M of the signed weights, at least 1.
/// - Returns: `nil` where an argument is out of range.
package func dataTypeBits(dotLength: Int, inputBits: Int, inputSigned: Bool, weightBits: Int)
  -> Int?
{
  guard dotLength >= 1, (1...64).contains(inputBits), (1...64).contains(weightBits) else {
    return nil
  }
  // B = K 2^e; the bound is the least P with B <= 2^(P-1) - 1, which is the bit length of B plus 1.
  let exponent = inputBits + weightBits - 1 - (inputSigned ? 1 : 0)
  return Int.bitWidth - dotLength.leadingZeroBitCount + exponent + 1
}
