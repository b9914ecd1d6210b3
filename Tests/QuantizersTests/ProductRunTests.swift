import AccumulatorBounds
import TensorCore
import Testing

@testable import Quantizers

/// Integers of layers whose registers take other products than runs of a channel's weights.
@Suite struct ProductRunTests {
  static let orders: [[ProductOrder]] = [[.channelsLast], [.channelsLast, .withinPosition]]

  /// Three channels of two positions, or of three, in pairs.
  static func budget(
    _ orders: [ProductOrder], positions: Int, bits: Int, outer: Int,
    codes: IntegerRange? = nil
  ) throws -> AccumulatorBudget {
    let tiling = try #require(Tiling(size: 2, outerBits: outer, orders: orders))
    let input = try #require(IntegerRange(0, 3))
    let accumulator = try #require(AccumulatorRange(bits: bits))
    return try #require(
      AccumulatorBudget(
        input: input, accumulator: accumulator, tiling: tiling,
        runs: ProductRuns(orders, size: 2, channels: 3, positions: positions), tileInput: codes))
  }

  /// Whether all registers hold every sum, from the definition.
  static func fits(_ codes: [Int8], _ budget: AccumulatorBudget, reach: Int = 3) throws -> Bool {
    let tiling = try #require(budget.tiling)
    func holds(_ positions: [Int], _ bits: Int, _ reach: Int) -> Bool {
      let up = positions.reduce(0) { $0 + max(Int(codes[$1]), 0) } * reach
      let down = positions.reduce(0) { $0 - min(Int(codes[$1]), 0) } * reach
      return up < 1 << (bits - 1) && down <= 1 << (bits - 1)
    }
    let runs = try #require(budget.runs).runs
    return runs.allSatisfy { holds($0, budget.accumulator.bits, reach) }
      && holds(Array(codes.indices), tiling.outerBits, 3)
  }

  @Test(arguments: orders, [(4, 6), (5, 6), (5, 5)])
  func `the projection meets every register and is the nearest where each product is in one`(
    orders: [ProductOrder], bits: (Int, Int)
  ) throws {
    let budget = try Self.budget(orders, positions: 2, bits: bits.0, outer: bits.1)
    var generator = SplitMix(seed: 3)
    for _ in 0..<2 {
      let row = (0..<6).map { _ in generator.normal() * 1.8 }
      var codes = [Int8](repeating: 0, count: 6)
      row.withUnsafeBufferPointer { row in
        codes.withUnsafeMutableBufferPointer { codes in
          ExactProjection(budget: budget, limit: 2).project(row, scale: 1, into: codes)
        }
      }
      #expect(try Self.fits(codes, budget))
      #expect(budget.check(codes))
      func error(_ codes: [Int8]) -> Float {
        var sum: Float = 0
        for index in 0..<6 {
          let difference = Float(codes[index]) - row[index]
          sum += difference * difference
        }
        return sum
      }
      var best = Float.infinity
      for code in 0..<15_625 {
        var rest = code
        let candidate = (0..<6).map { _ -> Int8 in
          defer { rest /= 5 }
          return Int8(rest % 5 - 2)
        }
        if error(candidate) < best, try Self.fits(candidate, budget) { best = error(candidate) }
      }
      // Where products are in two pairs the pairs are met one after the other.
      #expect(orders.count == 2 || error(codes) <= best + 1e-5, "\(row) -> \(codes)")
    }
  }

  @Test(arguments: orders, OutputErrorQuantizer.Rounding.allCases)
  func `a search by the output's error stays within every register`(
    orders: [ProductOrder], rounding: OutputErrorQuantizer.Rounding
  ) throws {
    var generator = SplitMix(seed: 5)
    for (bits, outer) in [(4, 9), (5, 6)] {
      let budget = try Self.budget(orders, positions: 3, bits: bits, outer: outer)
      let layer = WeightLayer(channels: 3, length: 9, bits: 3, budget: budget)
      let samples = MomentSamples(40, length: 9, noise: 0.1, &generator)
      let weights = (0..<27).map { _ in generator.normal() }
      let result = try OutputErrorQuantizer(
        layer, rounding: rounding, searchesScale: true, ignoresMean: false
      ).quantize(
        weights, from: try OutputErrorTests.start(layer, weights), moments: [samples.moments])
      #expect(result.summary.repairedUnits == 0)
      for channel in 0..<3 {
        #expect(try Self.fits(Array(result.codes[channel * 9..<(channel + 1) * 9]), budget))
      }
    }
  }

  @Test(arguments: orders)
  func `repair brings any integers into every register`(orders: [ProductOrder]) throws {
    let budget = try Self.budget(orders, positions: 2, bits: 4, outer: 6)
    let layer = WeightLayer(channels: 2, length: 6, bits: 8, budget: budget)
    var codes: [Int8] = [9, -9, 9, 9, -9, 9, 2, 2, 2, -2, -2, -2]
    let units = layer.meetBudgets(&codes, scales: [1, 1], weights: nil)
    #expect(units > 0)
    #expect(try Self.fits(Array(codes[..<6]), budget) && Self.fits(Array(codes[6...]), budget))
  }

  @Test func `registers of bytes have a budget of their own`() throws {
    let codes = try #require(IntegerRange(0, 7))
    let budget = try Self.budget([.channelsLast], positions: 2, bits: 6, outer: 9, codes: codes)
    #expect(budget.check([Int8(2), 0, 2, 0, 0, 0]) && !budget.check([Int8(3), 0, 2, 0, 0, 0]))
    #expect(budget.with(bias: 3).inner == budget.inner)
  }

  @Test func `any products fit where no weight is beyond its share`() throws {
    let budget = try makeBudget(0...255, bits: 16)
    #expect(budget.inner.largestMagnitude(of: 2) == 64)
    let layer = WeightLayer(channels: 1, length: 4, bits: 8, budgets: [budget], cap: 64)
    #expect(layer.limit == 64)
  }
}
