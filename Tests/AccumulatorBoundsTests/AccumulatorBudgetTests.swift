import Testing

@testable import AccumulatorBounds

@Suite struct AccumulatorBudgetTests {
  static let inputs: [ClosedRange<Int>] = [0...1, 0...3, 0...7, -2...1, -4...3, -1...0]

  /// Weights of up to 3 bits, 4 of them, inputs of up to 3 bits, all orders.
  @Test(arguments: inputs, 1...4)
  func `the budget holds exactly where no input overflows`(input: ClosedRange<Int>, length: Int)
    throws
  {
    let range = try integers(input)
    // All orders of summation are enumerated, so the order of the weights changes nothing.
    for weights in vectors(-3...3, length: length) where weights == weights.sorted() {
      let sums = try #require(SignSums(weights))
      for bias in [0, 3, -4] {
        let (least, greatest) = reachable(weights, input, bias: bias)
        for bits in 2...7 {
          let accumulator = try accumulatorBits(bits)
          let unbiased = try #require(AccumulatorBudget(input: range, accumulator: accumulator))
          let budget = unbiased.with(bias: Int64(bias))
          let fits = Int(accumulator.minimum) <= least && greatest <= Int(accumulator.maximum)
          #expect(
            budget.check(positiveSum: sums.positive, negativeSum: sums.negative) == fits,
            "\(weights) and \(bias) at \(bits) bits")
          #expect(budget.check(weights) == fits)
        }
      }
    }
  }

  @Test(arguments: inputs, [0, 3, -4])
  func `one unit more can overflow`(input: ClosedRange<Int>, bias: Int64) throws {
    let range = try integers(input)
    let accumulator = try accumulatorBits(6)
    let budget = try budget(input, bits: 6, bias: bias)
    for other: Int64 in 0..<70 {
      for side in [true, false] {
        let most =
          side
          ? budget.channel.largestPositive(besideNegative: other)
          : budget.channel.largestNegative(besidePositive: other)
        func worst(_ sum: Int64) -> WorstCase {
          WorstCase(
            of: SignSums(positive: side ? sum : other, negative: side ? other : sum),
            input: range, bias: bias)
        }
        guard let most else {
          #expect(!worst(0).fits(accumulator))
          continue
        }
        #expect(worst(most).fits(accumulator))
        if most < .max { #expect(!worst(most + 1).fits(accumulator)) }
      }
    }
  }

  @Test func `unsigned inputs give one budget a sign`() throws {
    let region = try budget(0...15, bits: 12).channel
    #expect(region.largestPositive(besideNegative: 0) == 136, "floor(2047 / 15)")
    #expect(region.largestNegative(besidePositive: 136) == 136, "floor(2048 / 15)")
  }

  @Test func `a bias that overflows by itself leaves no budget`() throws {
    let budget = try budget(0...1, bits: 4, bias: 8)
    #expect(!budget.isFeasible)
    #expect(!budget.check(positiveSum: 0, negativeSum: 0))
  }

  @Test func `limits of their own per sign are kept`() throws {
    let budget = try budget(0...1, bits: 8, limits: (3, 5))
    #expect(budget.check([3, -5]))
    #expect(!budget.check([4, -5]))
    #expect(!budget.check([3, -6]))
  }

  @Test func `each tile fits the inner register and their sum the outer one`() throws {
    let tiling = AccumulatorBudget.Tiling(length: 2, outer: try accumulatorBits(6))
    let budget = try budget(0...3, bits: 5, tiling: tiling)
    #expect(budget.check([2, 3, 2, 3]))
    #expect(!budget.check([3, 3, 0, 0]), "18 in a tile, 15 fit")
    #expect(!budget.check([2, 3, 2, 3, 1]), "33 outside, 31 fit")
    #expect(!budget.check([5, 1, -1, 0]))
  }

  @Test func `a zero point shifts the range that is multiplied`() throws {
    #expect(try budget(0...15, bits: 10, zeroPoint: 8) == budget(-8...7, bits: 10))
  }

  @Test(arguments: [1, 2, 3, 4, 8], [false, true])
  func `channels within the closed forms are within the budget`(inputBits: Int, signed: Bool)
    throws
  {
    let input = try #require(IntegerRange(bits: inputBits, signed: signed))
    for bits in 8...33 {
      let accumulator = try accumulatorBits(bits)
      let budget = try #require(AccumulatorBudget(input: input, accumulator: accumulator))
      let norm = Int64(NormBound.a2q.limit(budget))
      #expect(budget.check(positiveSum: norm, negativeSum: 0))
      #expect(budget.check(positiveSum: 0, negativeSum: norm))
      let half = Int64(NormBound.a2qPlus.limit(budget) / 2)
      #expect(budget.check(positiveSum: half, negativeSum: half))
    }
  }

  @Test func `the closed forms are the published ones`() throws {
    for bits in 3...32 {
      for inputBits in 1...8 {
        for signed in [false, true] {
          let accumulator = try accumulatorBits(bits)
          func limit(_ bound: NormBound) -> Double? {
            bound.limit(accumulator: accumulator, inputBits: inputBits, inputSigned: signed)
          }
          let top = Double(1 << (bits - 1))
          let steps = Double(1 << inputBits)
          #expect(limit(.a2q) == (top - 1) / (signed ? steps / 2 : steps))
          #expect(limit(.a2qPlus) == (2 * top - 2) / (steps - 1))
        }
      }
    }
  }
}
