import AccumulatorBounds
import Testing

@testable import Quantizers

/// Samples of a layer's inputs, quantized and float, and errors computed from them sample by sample.
struct MomentSamples {
  var quantized: [[Float]]
  var float: [[Float]]

  /// Correlated samples of non-negative numbers; the float ones differ a little where `noise` isn't 0.
  init(_ count: Int, length: Int, noise: Float, _ generator: inout SplitMix) {
    let mixing = (0..<length * length).map { _ in generator.normal() }
    quantized = []
    float = []
    for _ in 0..<count {
      let source = (0..<length).map { _ in generator.normal() }
      let row = (0..<length).map { i in
        max(0, (0..<length).reduce(Float(0.3)) { $0 + mixing[i * length + $1] * source[$1] })
      }
      quantized.append(row)
      float.append(row.map { $0 + noise * generator.normal() })
    }
  }

  var moments: InputMoments {
    var moments = InputMoments(length: quantized[0].count)
    moments.add(
      quantized: Array(quantized.joined()), float: Array(float.joined()), rows: quantized.count,
      stride: moments.length)
    return moments
  }

  /// Lambda for this damping.
  func lambda() -> Double {
    let damping = OutputObjective.damping(
      samples: quantized.count, length: quantized[0].count)
    let squares = quantized.joined().reduce(0.0) { $0 + Double($1) * Double($1) }
    return damping * squares / Double(quantized.count * quantized[0].count)
  }

  /// The mean of (w . x~ - v . x)^2, and lambda |w - v|^2.
  func error(_ weights: [Float], _ values: [Double]) -> Double {
    var error = 0.0
    for (x, float) in zip(quantized, float) {
      var difference = 0.0
      for index in weights.indices {
        difference +=
          Double(weights[index]) * Double(float[index]) - values[index] * Double(x[index])
      }
      error += difference * difference
    }
    let distance = zip(weights, values).reduce(0.0) {
      $0 + ($1.1 - Double($1.0)) * ($1.1 - Double($1.0))
    }
    return error / Double(quantized.count) + lambda() * distance
  }

  /// The least error of integers over all scales.
  func bestError(_ weights: [Float], _ integers: [Int]) -> Double {
    // A parabola in the scale: three values determine its minimum.
    let e = (0...2).map { scale in error(weights, integers.map { Double($0 * scale) }) }
    let (a, b) = ((e[2] - 2 * e[1] + e[0]) / 2, (4 * e[1] - e[2] - 3 * e[0]) / 2)
    return a > 0 ? e[0] - b * b / (4 * a) : e[0]
  }
}

@Suite struct OutputErrorTests {
  static let roundings = OutputErrorQuantizer.Rounding.allCases

  /// Budgets of one a sign and of both signs together, wide ones too.
  static func budgets() throws -> [AccumulatorBudget] {
    [
      try makeBudget(0...3, bits: 4), try makeBudget(0...3, bits: 5),
      try makeBudget(-2...1, bits: 4),
      try makeBudget(-4...3, bits: 5, bias: 2), try makeBudget(0...1, bits: 12),
      try makeBudget(0...7, bits: 6, zeroPoint: 2, bias: -1),
      try makeBudget(0...3, bits: 4, tile: (2, 5)),
    ]
  }

  static func start(_ layer: WeightLayer, _ weights: [Float]) throws -> QuantizedWeights {
    let quantizer = ExactQuantizer(layer)
    return try quantizer.quantize(
      weights, try quantizer.initialized(weights, .projection).parameters)
  }

  @Test(arguments: roundings, [true, false])
  func `integers meet every budget, however tight`(
    rounding: OutputErrorQuantizer.Rounding, searches: Bool
  ) throws {
    var generator = SplitMix(seed: 11)
    for budget in try Self.budgets() {
      let layer = WeightLayer(channels: 3, length: 9, bits: 3, budget: budget)
      let samples = MomentSamples(40, length: 9, noise: 0.1, &generator)
      let weights = (0..<27).map { _ in generator.normal() }
      let result = try OutputErrorQuantizer(
        layer, rounding: rounding, searchesScale: searches, ignoresMean: false
      ).quantize(weights, from: try Self.start(layer, weights), moments: [samples.moments])
      #expect(result.summary.repairedUnits == 0)
      for channel in 0..<3 {
        // The worst input for every partial sum, from the definition: each product at its end.
        let row = result.codes[channel * 9..<(channel + 1) * 9].map(Int.init)
        #expect(row.allSatisfy { abs($0) <= layer.limit })
        #expect(Self.fits(row, budget), "\(row) under \(budget)")
      }
    }
  }

  /// Inputs that have nothing to do with each other, so that no error can make up for another.
  static func independent(_ length: Int) -> InputMoments {
    var moments = InputMoments(length: length)
    let samples = (0..<length * length).map { Float($0 % (length + 1) == 0 ? 1 : 0) }
    moments.add(quantized: samples, float: samples, rows: length, stride: length)
    return moments
  }

  /// One register; tiles that bind alone, and a register behind them that binds as well.
  @Test(
    arguments: [OutputErrorQuantizer.Rounding.optq, .gpfq],
    [nil, (4, 12), (4, 5), (5, 5)] as [(length: Int, outerBits: Int)?])
  func `greedy rounding leaves later positions their share of each register's budget`(
    rounding: OutputErrorQuantizer.Rounding, tile: (length: Int, outerBits: Int)?
  ) throws {
    var generator = SplitMix(seed: 41)
    let budget = try makeBudget(0...1, bits: tile == nil ? 5 : 4, tile: tile)
    let (channels, length) = (40, 16)
    let layer = WeightLayer(channels: channels, length: length, bits: 4, budget: budget)
    let weights = (0..<channels * length).map { _ in 3 * generator.normal() }
    // The nearest integers of all, which are best where inputs are independent.
    let quantizer = ExactQuantizer(layer)
    let parameters = ChannelParameters(
      log2Scale: [Float](repeating: 0, count: channels), log2Norm: [])
    let nearest = try quantizer.quantize(weights, parameters)
    let greedy = try OutputErrorQuantizer(
      layer, rounding: rounding, searchesScale: false, ignoresMean: false
    ).quantize(weights, from: nearest, moments: [Self.independent(length)])
    func cost(_ codes: [Int8]) -> Float {
      zip(codes, weights).reduce(0) { $0 + (Float($1.0) - $1.1) * (Float($1.0) - $1.1) }
    }
    // What a sign has left in its registers, to each position as it comes.
    var served = [Int8](repeating: 0, count: weights.count)
    for channel in 0..<channels {
      for position in 0..<length {
        let index = channel * length + position
        let row = channel * length..<(channel + 1) * length
        var code = Int8(min(max(weights[index].rounded(), -7), 7))
        repeat {
          served[index] = code
          code -= Int8(code.signum())
        } while !budget.check(served[row])
      }
    }
    #expect(cost(greedy.codes) <= 1.01 * cost(nearest.codes))
    #expect(cost(served) > 1.1 * cost(nearest.codes))
  }

  @Test(arguments: roundings)
  func `a search over scales fits weights beside their biases and cuts none off`(
    rounding: OutputErrorQuantizer.Rounding
  ) throws {
    var generator = SplitMix(seed: 29)
    let budget = try makeBudget(0...7, bits: 8)
    // Up to 7 bits at the scale of the largest weight; the last ones need a larger scale.
    let biases: [Float] = [0, 3, -30, 90, -400]
    let layer = WeightLayer(
      channels: 5, length: 12, bits: 4, budgets: [budget], biasFormat: BiasFormat(bits: 7),
      biases: biases)
    let samples = MomentSamples(60, length: 12, noise: 0.1, &generator)
    let weights = (0..<60).map { _ in generator.normal() }
    let quantizer = ExactQuantizer(layer)
    var parameters = try quantizer.initialized(weights, .projection).parameters
    try ScaleSearch().apply(to: &parameters, of: quantizer, weights: weights)
    let start = try quantizer.quantize(weights, parameters)
    let found = try OutputErrorQuantizer(
      layer, rounding: rounding, searchesScale: true, ignoresMean: true
    ).quantize(weights, from: start, moments: [samples.moments])
    #expect(found.summary.repairedUnits == 0)
    for result in [start, found] {
      for channel in 0..<5 {
        let scale = result.scales[channel]
        let bias = layer.bias(channel, scale: scale)
        #expect(abs(biases[channel] / scale - Float(bias)) <= 0.51, "not cut off")
        let row = result.codes[channel * 12..<(channel + 1) * 12].map(Int.init)
        #expect(Self.fits(row, budget.with(bias: bias)))
      }
    }
  }

  private static func fits(_ row: [Int], _ budget: AccumulatorBudget) -> Bool {
    func fits(_ row: ArraySlice<Int>, _ range: AccumulatorRange, bias: Int) -> Bool {
      let (low, high) = (Int(budget.input.minimum), Int(budget.input.maximum))
      let most = row.reduce(max(bias, 0)) { $0 + max(0, $1 * low, $1 * high) }
      let least = row.reduce(min(bias, 0)) { $0 + min(0, $1 * low, $1 * high) }
      return most <= Int(range.maximum) && least >= Int(range.minimum)
    }
    guard let tiling = budget.tiling else {
      return fits(row[...], budget.accumulator, bias: Int(budget.bias))
    }
    return fits(row[...], budget.biasRegister, bias: Int(budget.bias))
      && stride(from: 0, to: row.count, by: tiling.size).allSatisfy {
        fits(row[$0..<min($0 + tiling.size, row.count)], budget.accumulator, bias: 0)
      }
  }

  @Test(arguments: roundings, [Float(0), 0.2])
  func `the output error is never above that of the nearest integers`(
    rounding: OutputErrorQuantizer.Rounding, noise: Float
  ) throws {
    var generator = SplitMix(seed: 17)
    for budget in try Self.budgets() {
      let layer = WeightLayer(channels: 2, length: 8, bits: 3, budget: budget)
      let samples = MomentSamples(60, length: 8, noise: noise, &generator)
      let weights = (0..<16).map { _ in generator.normal() }
      let start = try Self.start(layer, weights)
      let result = try OutputErrorQuantizer(
        layer, rounding: rounding, searchesScale: true, ignoresMean: false
      ).quantize(weights, from: start, moments: [samples.moments])
      for channel in 0..<2 {
        let row = channel * 8..<(channel + 1) * 8
        func values(_ quantized: QuantizedWeights) -> [Double] {
          row.map { Double(quantized.codes[$0]) * Double(quantized.scales[channel]) }
        }
        let wanted = Array(weights[row])
        #expect(
          samples.error(wanted, values(result)) <= samples.error(wanted, values(start)) * 1.0001)
      }
    }
  }

  @Test(arguments: roundings)
  func `scales that must be powers of two stay powers of two`(
    rounding: OutputErrorQuantizer.Rounding
  ) throws {
    var generator = SplitMix(seed: 19)
    let layer = WeightLayer(
      channels: 4, length: 9, bits: 4, budget: try makeBudget(0...3, bits: 6))
    let samples = MomentSamples(60, length: 9, noise: 0.1, &generator)
    let weights = (0..<36).map { _ in generator.normal() }
    let quantizer = PowerOfTwoScaled<ExactQuantizer>(layer)
    let start = try quantizer.quantize(
      weights, try quantizer.initialized(weights, .projection).parameters)
    let result = try OutputErrorQuantizer(
      layer, rounding: rounding, searchesScale: true, ignoresMean: false, scaleType: .powerOfTwo
    ).quantize(weights, from: start, moments: [samples.moments])
    #expect(result.scales.allSatisfy { $0.significand == 1 })
    #expect(result.codes != start.codes && layer.fits(result.codes))
  }

  @Test func `small channels come near the best integers of all`() throws {
    var generator = SplitMix(seed: 23)
    var (found, best, nearest) = (0.0, 0.0, 0.0)
    for budget in try Self.budgets() where budget.tiling == nil {
      for _ in 0..<4 {
        let layer = WeightLayer(channels: 1, length: 4, bits: 3, budget: budget)
        let samples = MomentSamples(30, length: 4, noise: 0.05, &generator)
        let weights = (0..<4).map { _ in generator.normal() }
        let start = try Self.start(layer, weights)
        let result = try OutputErrorQuantizer(
          layer, rounding: .optq, searchesScale: true, ignoresMean: false
        ).quantize(weights, from: start, moments: [samples.moments])
        let least = Self.bruteForce(weights, limit: layer.limit, budget, samples)
        let error = samples.bestError(weights, result.codes.map(Int.init))
        #expect(error >= least * 0.9999)
        found += error
        best += least
        nearest += samples.bestError(weights, start.codes.map(Int.init))
      }
    }
    #expect(found <= 1.1 * best)
    #expect(nearest >= 1.3 * best)
  }

  /// The least error of all integers within the limit that the budget allows, each with its best scale.
  private static func bruteForce(
    _ weights: [Float], limit: Int, _ budget: AccumulatorBudget, _ samples: MomentSamples
  ) -> Double {
    var integers = [Int](repeating: -limit, count: weights.count)
    var best = Double.infinity
    while true {
      if budget.check(integers) { best = min(best, samples.bestError(weights, integers)) }
      guard let index = integers.firstIndex(where: { $0 < limit }) else { return best }
      for lower in 0..<index { integers[lower] = -limit }
      integers[index] += 1
    }
  }

  @Test(arguments: [5, 6, 8, 20])
  func `after descent no single unit and no pair of units lowers the error`(bits: Int) throws {
    var generator = SplitMix(seed: UInt64(bits))
    for range: ClosedRange<Int64> in [0...3, -2...1] {
      let budget = try makeBudget(range, bits: bits)
      let layer = WeightLayer(channels: 1, length: 7, bits: 3, budget: budget)
      let samples = MomentSamples(50, length: 7, noise: 0, &generator)
      let weights = (0..<7).map { _ in generator.normal() }
      let objective = OutputObjective(samples.moments, weights: weights, centred: false)
      let start = try Self.start(layer, weights)
      let scale = start.scales[0]
      var integers = start.codes.map(Float.init)
      var gradient = zip(
        objective.timesHessian(integers), objective.timesHessian(objective.targets)
      )
      .map { scale * $0 - $1 }
      objective.hessian.withUnsafeBufferPointer { hessian in
        integers.withUnsafeMutableBufferPointer { integers in
          gradient.withUnsafeMutableBufferPointer { gradient in
            _ = IntegerDescent(
              use: BudgetUse(budget, length: 7), limit: 3, scale: scale, hessian: hessian,
              stepLimit: 1000
            ).run(integers, gradient: gradient)
          }
        }
      }
      func error(_ integers: [Int]) -> Double {
        samples.error(weights, integers.map { Double($0) * Double(scale) })
      }
      let end = integers.map { Int($0) }
      #expect(budget.check(end))
      #expect(error(end) <= error(start.codes.map(Int.init)))
      let steps = (0..<7).flatMap { [($0, 1), ($0, -1)] }
      for (i, first) in steps {
        var one = end
        one[i] += first
        guard abs(one[i]) <= 3 else { continue }
        // As much as descent itself leaves.
        let slack =
          2e-4 * Double(scale * scale)
          * objective.hessian.indices.reduce(0.0) {
            max($0, Double(objective.hessian[$1]))
          }
        #expect(!budget.check(one) || error(one) >= error(end) - slack)
        for (j, second) in steps where j != i {
          var two = one
          two[j] += second
          // A pair of a unit given up and one gained that pays only beside it.
          guard abs(two[j]) <= 3, !budget.check(one), budget.check(two), second * end[j] < 0,
            error(one) < error(end)
          else { continue }
          #expect(error(two) >= error(end) - slack)
        }
      }
    }
  }

  @Test func `a mean shift counts only where it isn't corrected`() throws {
    var generator = SplitMix(seed: 41)
    var samples = MomentSamples(80, length: 6, noise: 0, &generator)
    for index in samples.quantized.indices { samples.float[index] = samples.quantized[index] }
    let weights = (0..<6).map { _ in generator.normal() }
    let centred = OutputObjective(samples.moments, weights: weights, centred: true, damping: 1e-6)
    let mean = (0..<6).map { i in samples.quantized.reduce(0.0) { $0 + Double($1[i]) } / 80 }
    for i in 0..<6 {
      for j in 0..<6 where i != j {
        let covariance =
          samples.quantized.reduce(0.0) {
            $0 + (Double($1[i]) - mean[i]) * (Double($1[j]) - mean[j])
          } / 80
        #expect(abs(Double(centred.hessian[i * 6 + j]) - covariance) < 1e-5)
      }
    }
    #expect(zip(centred.targets, weights).allSatisfy { abs($0 - $1) < 1e-3 })
  }

  @Test func `inputs that never vary leave the nearest integers`() throws {
    let layer = WeightLayer(
      channels: 1, length: 3, bits: 4, budget: try makeBudget(0...15, bits: 20))
    let weights: [Float] = [0.5, -0.2, 0.7]
    var moments = InputMoments(length: 3)
    moments.add(
      quantized: [Float](repeating: 0, count: 9), float: [Float](repeating: 0, count: 9), rows: 3,
      stride: 3)
    let start = try Self.start(layer, weights)
    for rounding in Self.roundings {
      let result = try OutputErrorQuantizer(
        layer, rounding: rounding, searchesScale: false, ignoresMean: true
      ).quantize(weights, from: start, moments: [moments])
      #expect(result.codes == start.codes)
    }
  }
}
