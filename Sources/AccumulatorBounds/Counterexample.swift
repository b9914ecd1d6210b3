/// An input that drives a channel's accumulator out of its range.
package struct Counterexample: Sendable, Hashable {
  /// The input for each weight, within the input range; no zero point is subtracted.
  package var input: [Int64]
  /// The indices of the products to add first, in ascending order, where the overflow occurs in between and the whole
  /// dot product would fit again; `nil` where the whole dot product overflows.
  package var prefix: [Int]?
  /// The part of the bias that is in the sum: 0 where the bias would come after the products of the prefix.
  package var bias: Int64
  /// The value that the accumulator would then hold: the dot product (or the sum of the prefix) plus ``bias``.
  package var sum: Int128

  /// Finds the worst input of a channel; gives `nil` where no input overflows the accumulator.
  ///
  /// - Parameters:
  ///   - weights: the channel's integers.
  ///   - input: the range of the inputs as stored.
  ///   - zeroPoint: subtracted from each input before its product; the difference fits 64 bits for every input.
  ///   - bias: the bounds of the bias, which is added first or between the products.
  package init?<Weights: Collection>(
    weights: Weights, input: IntegerRange, zeroPoint: Int64 = 0,
    bias bounds: ClosedRange<Int64> = 0...0, accumulator: AccumulatorRange
  ) where Weights.Element: FixedWidthInteger & SignedInteger {
    guard let range = input.subtracting(zeroPoint: zeroPoint), let sums = SignSums(weights) else {
      return nil
    }
    let worst = WorstCase(of: sums, input: range, bias: bounds)
    let overflowsAbove = worst.maximum > Int128(accumulator.maximum)
    guard overflowsAbove || worst.minimum < Int128(accumulator.minimum) else { return nil }

    let bias = overflowsAbove ? bounds.upperBound : bounds.lowerBound
    var values: [Int64] = []
    values.reserveCapacity(weights.count)
    var prefix: [Int] = []
    var whole = Int128(bias)
    for (index, weight) in weights.enumerated() {
      let raises = (weight > 0) == overflowsAbove
      let value = weight == 0 ? range.nearestToZero : raises ? range.maximum : range.minimum
      let product = Int128(value) * Int128(weight)
      whole += product
      if weight != 0, value != 0, (product > 0) == overflowsAbove { prefix.append(index) }
      values.append(value + zeroPoint)
    }
    self.input = values
    let outside = !accumulator.contains(whole)
    self.prefix = outside ? nil : prefix
    self.bias = outside || (bias > 0) == overflowsAbove ? bias : 0
    self.sum = outside ? whole : overflowsAbove ? worst.maximum : worst.minimum
  }
}

extension IntegerRange {
  fileprivate var nearestToZero: Int64 { Swift.min(Swift.max(0, minimum), maximum) }
}
