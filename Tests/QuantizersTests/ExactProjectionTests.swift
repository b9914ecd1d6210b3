import AccumulatorBounds
import Testing

@testable import Quantizers

@Suite struct ExactProjectionTests {
  private func project(_ row: [Float], scale: Float = 1, limit: Int, _ budget: AccumulatorBudget)
    -> [Int8]
  {
    var codes = [Int8](repeating: 99, count: row.count)
    codes.withMutableBuffer { codes in
      row.withBuffer {
        ExactProjection(budget: budget, limit: limit).project($0, scale: scale, into: codes)
      }
    }
    return codes
  }

  static func error(_ codes: [Int8], _ row: [Float], scale: Float = 1) -> Double {
    zip(codes, row).reduce(0) {
      let difference = Double($1.0) * Double(scale) - Double($1.1)
      return $0 + difference * difference
    }
  }

  /// The least error of all integers within the limit that the budget allows.
  static func bruteForce(_ row: [Float], limit: Int, _ budget: AccumulatorBudget) -> Double {
    var codes = [Int8](repeating: Int8(-limit), count: row.count)
    var best = Double.infinity
    while true {
      if budget.check(codes) { best = min(best, error(codes, row)) }
      guard let index = codes.firstIndex(where: { $0 < limit }) else { return best }
      for lower in 0..<index { codes[lower] = Int8(-limit) }
      codes[index] += 1
    }
  }

  /// Budgets of one per sign, of both signs together, with bias, zero point and limits.
  static func budgets() throws -> [AccumulatorBudget] {
    var budgets: [AccumulatorBudget] = []
    for bits in 2...6 {
      for range: ClosedRange<Int64> in [0...1, 0...3, 0...7, -2...1, -4...3, -1...1, -3...0, 1...3]
      {
        budgets.append(try makeBudget(range, bits: bits))
      }
      budgets.append(try makeBudget(-4...3, bits: bits, bias: 1))
      budgets.append(try makeBudget(0...7, bits: bits, zeroPoint: 2, bias: -1))
      budgets.append(try makeBudget(-3...2, bits: bits, limits: (3, 1)))
    }
    return budgets
  }

  @Test(arguments: [1, 2, 3, 4])
  func `no integers that fit have a smaller error`(length: Int) throws {
    var generator = SplitMix(seed: UInt64(length))
    for budget in try Self.budgets() {
      for trial in 0..<6 {
        // Some weights lie on the halves, where units tie, and some beyond the limit.
        let row = (0..<length).map { _ -> Float in
          let weight = generator.normal() * 2.5
          return trial % 2 == 0 ? weight : (weight * 2).rounded() / 2
        }
        let codes = project(row, limit: 3, budget)
        #expect(budget.check(codes))
        let best = Self.bruteForce(row, limit: 3, budget)
        #expect(Self.error(codes, row) <= best + 1e-5, "\(row) -> \(codes), \(budget)")
      }
    }
  }

  @Test func `nested tiles of unsigned inputs are optimal too`() throws {
    var generator = SplitMix(seed: 7)
    for bits in 3...5 {
      for outer in bits...(bits + 1) {
        let budget = try makeBudget(0...3, bits: bits, tile: (2, outer))
        for _ in 0..<10 {
          let row = (0..<5).map { _ in generator.normal() * 2.5 }
          let codes = project(row, limit: 3, budget)
          #expect(budget.check(codes))
          #expect(Self.error(codes, row) <= Self.bruteForce(row, limit: 3, budget) + 1e-5)
        }
      }
    }
  }

  /// Long channels against the definition: all units in one sorted list.
  @Test(arguments: [100, 1000, 4608], [0.02, 0.3, 0.9])
  func `long channels keep the largest gains of each sign`(length: Int, share: Double) throws {
    var generator = SplitMix(seed: UInt64(length))
    let row = (0..<length).map { index in
      // Every third weight repeats, so that gains tie.
      index % 3 == 0 ? Float(index % 5) - 2.25 : generator.normal() * 20
    }
    func gains(_ sign: Float) -> [Float] {
      row.flatMap { weight -> [Float] in
        let v = weight * sign
        return v > 0.5
          ? (1...min(127, Int((v + 0.5).rounded(.up)) - 1)).map { v - Float($0) + 0.5 } : []
      }.sorted(by: >)
    }
    let positive = gains(1)
    let limit = Int64(share * Double(positive.count))
    let budget = try makeBudget(0...1, bits: 40, limits: (limit, limit))
    let codes = project(row, limit: 127, budget)
    let sums = try #require(SignSums(codes))
    #expect(sums.positive == limit)
    // The error of the best choice is that of no units less twice the gains taken.
    let zero = Self.error(row.map { _ in 0 }, row)
    let taken = (positive.prefix(Int(limit)) + gains(-1).prefix(Int(limit)))
      .reduce(0) { $0 + Double($1) }
    #expect(abs(Self.error(codes, row) - (zero - 2 * taken)) <= 1e-6 * zero)
  }

  /// Long channels of signed inputs against a scan of all sums.
  @Test(arguments: [(-8, 7, 12), (-8, 7, 10), (-128, 127, 20), (-1, 7, 10), (-7, 1, 10)])
  func `long channels of signed inputs have the best sums`(
    minimum: Int64, maximum: Int64, bits: Int
  ) throws {
    var generator = SplitMix(seed: 41)
    for shift: Float in [0, 1.5, -4] {
      let row = (0..<400).map { _ in generator.normal() * 4 + shift }
      let budget = try makeBudget(minimum...maximum, bits: bits)
      let codes = project(row, limit: 7, budget)
      #expect(budget.check(codes))
      var benefit: [[Double]] = []
      for sign: Float in [1, -1] {
        let gains = row.flatMap { weight -> [Float] in
          let units = min(7, Int((weight * sign + 0.5).rounded(.up)) - 1)
          return units > 0 ? (1...units).map { weight * sign - Float($0) + 0.5 } : []
        }
        benefit.append(
          gains.sorted(by: >).reduce(into: [0]) { $0.append($0[$0.count - 1] + Double($1)) })
      }
      var best = 0.0
      for x in benefit[0].indices {
        guard let room = budget.channel.largestNegative(besidePositive: Int64(x)) else { break }
        best = max(best, benefit[0][x] + benefit[1][min(Int(room), benefit[1].count - 1)])
      }
      let zero = Self.error(row.map { _ in 0 }, row)
      #expect(abs(Self.error(codes, row) - (zero - 2 * best)) <= 1e-5 * zero)
    }
  }

  @Test func `a budget that rounding to nearest meets changes nothing`() throws {
    #expect(
      project([0.4, -1.6, 2.5, 9], limit: 3, try makeBudget(0...15, bits: 12)) == [0, -2, 2, 3])
  }

  @Test func `the error is never above that of A2Q+ with projection`() throws {
    var generator = SplitMix(seed: 43)
    let weights = (0..<16 * 144).map { _ in generator.normal() }
    for range: ClosedRange<Int64> in [0...15, -8...7] {
      for bits in 8...14 {
        let layer = WeightLayer(
          channels: 16, length: 144, bits: 4, budget: try makeBudget(range, bits: bits))
        func error(_ quantizer: any WeightQuantizer) throws -> Double {
          let (parameters, initial) = try quantizer.initialized(weights, .projection)
          return try quantizer.quantize(initial, parameters).relativeError(from: weights)
        }
        let exact = try error(ExactQuantizer(layer))
        #expect(try exact <= error(A2QPlusQuantizer(layer)))
        #expect(try exact <= error(A2QQuantizer(layer)))
      }
    }
  }
}
