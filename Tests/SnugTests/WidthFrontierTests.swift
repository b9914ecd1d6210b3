import TestSupport
import Testing

@testable import Snug

@Suite struct WidthFrontierTests {
  private static func candidates(_ generator: inout SplitMix) -> [[WidthCandidate]] {
    (0..<3).map { _ in
      (0..<5).map { index in
        WidthCandidate(
          widths: LayerWidths(weightBits: index + 1, activationBits: 4, accumulatorBits: 16),
          cost: Double(generator.next() % 20 + 1), noise: Double(generator.next() % 100) / 10)
      }
    }
  }

  /// Cost and noise of all ways to give each layer one of its candidates.
  private static func all(_ layers: [[WidthCandidate]]) -> [(cost: Double, noise: Double)] {
    layers.reduce(into: [(0.0, 0.0)]) { sums, candidates in
      sums = sums.flatMap { sum in candidates.map { (sum.0 + $0.cost, sum.1 + $0.noise) } }
    }
  }

  @Test func `no choice at the cost of a step, or less, has less noise`() throws {
    var generator = SplitMix(seed: 7)
    for _ in 0..<50 {
      let layers = Self.candidates(&generator)
      let frontier = WidthFrontier(layers)
      let choices = Self.all(layers)
      var costs: [Double] = []
      for step in 0...frontier.steps.count {
        var (cost, noise) = (0.0, 0.0)
        for (layer, widths) in zip(layers, frontier.widths(after: step)) {
          let taken = try #require(layer.first { $0.widths == widths })
          cost += taken.cost
          noise += taken.noise
        }
        costs.append(cost)
        let least = choices.filter { $0.cost <= cost }.map(\.noise).min()
        #expect(noise <= (least ?? 0) + 1e-9)
      }
      #expect(costs == costs.sorted(by: >))
      #expect(costs.last == choices.map(\.cost).min(), "the walk ends at the least cost")
    }
  }
}
