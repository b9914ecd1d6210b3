import AccumulatorBounds
import Testing

@testable import Quantizers

@Suite struct IntegerRepairTests {
  private func repair(_ codes: [Int8], _ row: [Float], _ budget: AccumulatorBudget) -> (
    codes: [Int8], units: Int
  ) {
    var codes = codes
    let units = codes.withMutableBuffer { codes in
      row.withBuffer { IntegerRepair(budget: budget).apply(to: codes, row: $0, scale: 1) }
    }
    return (codes, units)
  }

  @Test func `integers that fit stay as they are`() throws {
    let result = repair([3, -2, 0], [3, -2, 0], try makeBudget(0...1, bits: 3))
    #expect(result.codes == [3, -2, 0] && result.units == 0)
  }

  @Test func `the cheapest unit moves first, and the first among equals`() throws {
    // One unit over: 2.4 was rounded up furthest.
    let limits = try makeBudget(0...1, bits: 8, limits: (8, 100))
    #expect(repair([3, 3, 3, -9], [3.2, 2.4, 2.9, -9], limits).codes == [3, 2, 3, -9])
    #expect(repair([3, 3, 3, -9], [3, 3, 3, -9], limits).codes == [2, 3, 3, -9])
  }

  /// Where each sign has its own budget, moving the cheapest unit first is optimal.
  @Test func `no integers between 0 and the given ones that fit have a smaller error`() throws {
    var generator = SplitMix(seed: 29)
    for _ in 0..<200 {
      let row = (0..<4).map { _ in generator.normal() * 2 }
      let codes = row.map { Int8(($0 * 1.3).rounded()) }
      let budget = try makeBudget(0...3, bits: Int.random(in: 2...5, using: &generator))
      let result = repair(codes, row, budget)
      #expect(budget.check(result.codes))
      let moved = zip(codes, result.codes).reduce(0) { $0 + abs(Int($1.0) - Int($1.1)) }
      #expect(moved == result.units)
      func error(_ codes: [Int8]) -> Float {
        zip(codes, row).reduce(0) { $0 + (Float($1.0) - $1.1) * (Float($1.0) - $1.1) }
      }
      // Moving further than the budget demands could help weights that were rounded up, so the
      // candidates move as far in sum as the result does.
      let used = try #require(SignSums(result.codes))
      var best = Float.infinity
      var candidates: [[Int8]] = [[]]
      for code in codes {
        let choices = Array(min(code, 0)...max(code, 0))
        candidates = candidates.flatMap { head in choices.map { head + [$0] } }
      }
      for candidate in candidates where SignSums(candidate) == used {
        best = min(best, error(candidate))
      }
      #expect(error(result.codes) <= best * 1.0001 + 1e-6)
    }
  }

  @Test func `signed inputs and tiles are repaired too`() throws {
    let budget = try makeBudget(-8...7, bits: 6, tile: (3, 7))
    let result = repair([7, 7, -7, -7, 7, 7, -7, 0], [7, 7, -7, -7, 7, 7, -7, 0], budget)
    #expect(budget.check(result.codes) && result.units > 0)
  }
}
