import AccumulatorBounds
import Testing

@testable import Quantizers

/// Error-correcting rounding where the budget doesn't bind, against the algorithms as published.
@Suite struct TextbookRoundingTests {
  @Test func `OPTQ without an active budget is the textbook's`() throws {
    var generator = SplitMix(seed: 31)
    let (k, channels) = (70, 4)
    // Enough for the damping of the publication.
    let samples = MomentSamples(
      OutputObjective.samplesPerWeight * k, length: k, noise: 0, &generator)
    let weights = (0..<channels * k).map { _ in generator.normal() }
    let layer = WeightLayer(
      channels: channels, length: k, bits: 4, budget: try makeBudget(0...1, bits: 32))
    let start = try OutputErrorTests.start(layer, weights)
    let result = try OutputErrorQuantizer(
      layer, rounding: .optq, searchesScale: false, ignoresMean: false
    ).quantize(weights, from: start, moments: [samples.moments])
    #expect(result.scales == start.scales)
    let expected = Self.textbookOPTQ(weights, samples, scales: start.scales, limit: 7)
    let differing = zip(result.codes, expected).count { Int($0) != $1 }
    // A value on a tie may fall to either side, and then carries others along.
    #expect(differing <= 2, "\(differing) of \(expected.count)")
    #expect(result.codes != start.codes)
  }

  /// Frantar et al. 2023, algorithm 1 with the largest diagonal first: the inverse by Gauss-Jordan, its upper
  /// Cholesky factor, and one column after the other.
  private static func textbookOPTQ(
    _ weights: [Float], _ samples: MomentSamples, scales: [Float], limit: Double
  ) -> [Int] {
    let k = samples.quantized[0].count
    var h = [[Double]](repeating: [Double](repeating: 0, count: k), count: k)
    for row in samples.quantized {
      for i in 0..<k { for j in 0..<k { h[i][j] += Double(row[i]) * Double(row[j]) } }
    }
    let damp = 0.01 * (0..<k).reduce(0.0) { $0 + h[$1][$1] } / Double(k)
    for i in 0..<k { h[i][i] += damp }
    let order = (0..<k).sorted { h[$0][$0] > h[$1][$1] }
    var a = order.map { i in order.map { j in h[i][j] } }
    // Gauss-Jordan without pivoting, which a positive definite matrix allows.
    for p in 0..<k {
      let pivot = a[p][p]
      a[p][p] = 1
      for j in 0..<k { a[p][j] /= pivot }
      for i in 0..<k where i != p {
        let factor = a[i][p]
        a[i][p] = 0
        for j in 0..<k { a[i][j] -= factor * a[p][j] }
      }
    }
    // inverse = U^T U, U upper.
    var u = [[Double]](repeating: [Double](repeating: 0, count: k), count: k)
    for i in 0..<k {
      for j in i..<k {
        let sum = (0..<i).reduce(a[i][j]) { $0 - u[$1][i] * u[$1][j] }
        u[i][j] = i == j ? sum.squareRoot() : sum / u[i][i]
      }
    }
    var result = [Int](repeating: 0, count: weights.count)
    for channel in scales.indices {
      var w = order.map { Double(weights[channel * k + $0]) }
      let scale = Double(scales[channel])
      for t in 0..<k {
        let q = max(-limit, min(limit, (w[t] / scale).rounded(.toNearestOrEven)))
        result[channel * k + order[t]] = Int(q)
        let error = (w[t] - q * scale) / u[t][t]
        for j in t..<k { w[j] -= error * u[t][j] }
      }
    }
    return result
  }

  @Test func `GPFQ without an active budget is the textbook's`() throws {
    var generator = SplitMix(seed: 37)
    let (k, channels) = (70, 3)
    let samples = MomentSamples(150, length: k, noise: 0.1, &generator)
    let weights = (0..<channels * k).map { _ in generator.normal() }
    let layer = WeightLayer(
      channels: channels, length: k, bits: 4, budget: try makeBudget(0...1, bits: 32))
    let start = try OutputErrorTests.start(layer, weights)
    let result = try OutputErrorQuantizer(
      layer, rounding: .gpfq, searchesScale: false, ignoresMean: false
    ).quantize(weights, from: start, moments: [samples.moments])
    // Damping is K more samples, of one input each.
    let root = (samples.lambda() * Double(samples.quantized.count)).squareRoot()
    func columns(_ rows: [[Float]]) -> [[Double]] {
      (0..<k).map { i in rows.map { Double($0[i]) } + (0..<k).map { $0 == i ? root : 0 } }
    }
    let (x, float) = (columns(samples.quantized), columns(samples.float))
    func norm(_ column: [Double]) -> Double { column.reduce(0) { $0 + $1 * $1 } }
    let order = (0..<k).sorted { norm(x[$0]) > norm(x[$1]) }
    var differing = 0
    for channel in 0..<channels {
      var u = [Double](repeating: 0, count: x[0].count)
      let scale = Double(start.scales[channel])
      for t in order {
        let weight = Double(weights[channel * k + t])
        for row in u.indices { u[row] += weight * float[t][row] }
        let product = zip(x[t], u).reduce(0.0) { $0 + $1.0 * $1.1 }
        let value = product / norm(x[t]) / scale
        let q = max(-7, min(7, value.rounded(.toNearestOrEven)))
        for row in u.indices { u[row] -= q * scale * x[t][row] }
        if Int(q) != Int(result.codes[channel * k + t]) { differing += 1 }
      }
    }
    #expect(differing <= 2, "\(differing) of \(result.codes.count)")
    #expect(result.codes != start.codes)
  }
}
