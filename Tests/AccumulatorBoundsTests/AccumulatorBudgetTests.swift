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
    let tiling = Tiling(size: 2, outerBits: 6)
    let budget = try budget(0...3, bits: 5, tiling: tiling)
    #expect(budget.check([2, 3, 2, 3]))
    #expect(!budget.check([3, 3, 0, 0]), "18 in a tile, 15 fit")
    #expect(!budget.check([2, 3, 2, 3, 1]), "33 outside, 31 fit")
    #expect(!budget.check([5, 1, -1, 0]))
  }

  @Test(arguments: [0...3, -2...1, -1...2, 1...2] as [ClosedRange<Int>], [0, 2, -3])
  func `tiles need what the registers of both stages can reach, and no more`(
    input: ClosedRange<Int>, bias: Int
  ) throws {
    let range = try integers(input)
    for size in 1...3 {
      for weights in vectors(-2...2, length: 4) {
        let tiles = stride(from: 0, to: 4, by: size).map { Array(weights[$0..<min($0 + size, 4)]) }
        let inner = tiles.map { reachable($0, input) }
        // An outer register adds finished sums of tiles, each for any of its inputs, and the bias, in any order.
        var outer: Set<Int> = [0, bias]
        for tile in tiles {
          let sums = tile.reduce(Set([0])) { partial, weight in
            Set(partial.flatMap { sum in input.map { sum + weight * $0 } })
          }
          outer.formUnion(outer.flatMap { value in sums.map { value + $0 } })
        }
        let worst = try #require(
          TiledWorstCase(
            weights: weights, tileSize: size, input: range, bias: Int64(bias)...Int64(bias)))
        #expect(worst.inner.minimum == Int128(try #require(inner.map(\.0).min())))
        #expect(worst.inner.maximum == Int128(try #require(inner.map(\.1).max())))
        #expect(worst.outer.minimum == Int128(try #require(outer.min())))
        #expect(worst.outer.maximum == Int128(try #require(outer.max())))
        let reaches = inner.map { max($0.1, -1 - $0.0) }
        #expect(
          reaches[worst.farthestTile] == reaches.max(), "the tile of a counterexample, \(weights)")
        guard input.contains(0) else { continue }
        for (innerBits, outerBits) in [(3, 4), (4, 4), (4, 5), (5, 5)] {
          let tiling = Tiling(size: size, outerBits: outerBits)
          let budget = try budget(input, bits: innerBits, bias: Int64(bias), tiling: tiling)
          let fits =
            worst.inner.requiredBits <= innerBits && worst.outer.requiredBits <= outerBits
          #expect(
            budget.check(weights) == fits, "\(weights) in \(size) of \(innerBits), \(outerBits)")
        }
      }
    }
  }

  @Test(arguments: 2...6, [1, 2, 3, 4, 5, 8, 9])
  func `the outer register of any tiles is the narrowest that holds them all`(
    bits: Int, tiles: Int
  ) throws {
    let inner = try accumulatorBits(bits)
    for biasBits in [nil, 2, 5, 9] {
      let bias = biasBits.map { 1 << ($0 - 1) } ?? 0
      let least = -tiles * (1 << (bits - 1)) - bias
      let most = tiles * ((1 << (bits - 1)) - 1) + max(bias - 1, 0)
      func holds(_ width: Int) -> Bool {
        -(1 << (width - 1)) <= least && most <= (1 << (width - 1)) - 1
      }
      let outer = try #require(inner.outer(tiles: tiles, biasBits: biasBits)).bits
      #expect(holds(outer) && !holds(outer - 1))
    }
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

  @Test func `what remains beside some weights is what may join them`() throws {
    let region = SignSumRegion(
      input: try integers(-1...2), accumulator: try accumulatorBits(5), positiveLimit: 6)
    let all = (0...16).flatMap { p in (0...16).map { SignSums(positive: p, negative: $0) } }
    for first in all where region.contains(first) {
      let rest = region.remaining(after: first)
      for second in all {
        let both = try #require(first.adding(second))
        #expect(rest.contains(second) == region.contains(both))
      }
    }
  }

  @Test func `a bias that leaves its register alone makes a budget infeasible, on either side`()
    throws
  {
    #expect(try budget(0...3, bits: 4, bias: 7).isFeasible)
    #expect(try !budget(0...3, bits: 4, bias: 8).isFeasible)
    #expect(try budget(0...3, bits: 4, bias: -8).isFeasible)
    #expect(try !budget(0...3, bits: 4, bias: -9).isFeasible)
    let tiling = Tiling(size: 2, outerBits: 6)
    #expect(try budget(0...3, bits: 4, bias: 31, tiling: tiling).isFeasible)
    #expect(try !budget(0...3, bits: 4, bias: 32, tiling: tiling).isFeasible)
  }

  @Test func `the closed forms have the room that the bias leaves on the narrower side`() throws {
    // Above 127 - 27, below 128: 100 / 4. Below 128 - 28, one of which the closed forms leave unused: 99 / 4.
    #expect(NormBound.a2q.limit(try budget(0...3, bits: 8, bias: 27)) == 25)
    #expect(NormBound.a2q.limit(try budget(0...3, bits: 8, bias: -28)) == 24.75)
    #expect(NormBound.a2q.tileLimit(try budget(0...3, bits: 8, bias: -28)) == 24.75)
  }

  @Test func `the closed forms never exceed the exact quotient`() throws {
    for bits in 54...64 {
      let room = Int128(try accumulatorBits(bits).maximum)
      for inputBits in 2...16 {
        let input = try #require(IntegerRange(bits: inputBits, signed: false))
        let budget = try #require(
          AccumulatorBudget(input: input, accumulator: try accumulatorBits(bits)))
        let steps = Int128(1) << inputBits
        #expect(Int128(NormBound.a2q.limit(budget)) * steps <= room)
        #expect(Int128(NormBound.a2qPlus.limit(budget)) * (steps - 1) <= 2 * room)
      }
    }
  }
}
