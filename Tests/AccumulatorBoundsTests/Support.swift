import Testing

@testable import AccumulatorBounds

/// Every value that an accumulator can pass through: all inputs, all subsets of the products and the bias.
func reachable(_ weights: [Int], _ input: ClosedRange<Int>, bias: Int = 0) -> (Int, Int) {
  var values: Set<Int> = [0, bias]
  for weight in weights {
    values.formUnion(values.flatMap { value in input.map { value + weight * $0 } })
  }
  return (values.min() ?? 0, values.max() ?? 0)
}

/// All vectors of `length` integers of `range`.
func vectors(_ range: ClosedRange<Int>, length: Int) -> [[Int]] {
  (0..<length).reduce([[]]) { partial, _ in partial.flatMap { head in range.map { head + [$0] } } }
}

func integers(_ range: ClosedRange<Int>) throws -> IntegerRange {
  try #require(IntegerRange(Int64(range.lowerBound), Int64(range.upperBound)))
}

func accumulatorBits(_ bits: Int) throws -> AccumulatorRange {
  try #require(AccumulatorRange(bits: bits))
}

func budget(
  _ input: ClosedRange<Int>, bits: Int, zeroPoint: Int64 = 0, bias: Int64 = 0,
  tiling: Tiling? = nil, limits: (Int64, Int64) = (.max, .max)
) throws -> AccumulatorBudget {
  let (range, accumulator) = (try integers(input), try accumulatorBits(bits))
  return try #require(
    AccumulatorBudget(
      input: range, zeroPoint: zeroPoint, accumulator: accumulator, bias: bias, tiling: tiling,
      positiveLimit: limits.0, negativeLimit: limits.1))
}
