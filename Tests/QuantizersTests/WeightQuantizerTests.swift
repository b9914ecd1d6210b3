import AccumulatorBounds
import TensorCore
import Testing

@testable import Quantizers

func makeBudget(
  _ input: ClosedRange<Int64>, bits: Int, zeroPoint: Int64 = 0, bias: Int64 = 0,
  tile: (length: Int, outerBits: Int)? = nil, limits: (Int64, Int64) = (.max, .max)
) throws -> AccumulatorBudget {
  let range = try #require(IntegerRange(input.lowerBound, input.upperBound))
  let accumulator = try #require(AccumulatorRange(bits: bits))
  let tiling = try tile.map { tile in
    try #require(Tiling(size: tile.length, outerBits: tile.outerBits))
  }
  return try #require(
    AccumulatorBudget(
      input: range, zeroPoint: zeroPoint, accumulator: accumulator, bias: bias, tiling: tiling,
      positiveLimit: limits.0, negativeLimit: limits.1))
}

extension WeightLayer {
  /// True where every channel of `codes` meets its budget.
  func fits(_ codes: [Int8]) -> Bool {
    (0..<channels).allSatisfy { budget($0).check(codes[$0 * length..<($0 + 1) * length]) }
  }
}

@Suite struct WeightQuantizerTests {
  static let methods = WeightQuantizers.all.map { $0.methodName }
  static let constrained = methods.filter { $0 != UnconstrainedQuantizer.methodName }

  @Test func `methods are found by the names of the command line`() {
    for name in ["a2q", "a2q+", "unconstrained"] {
      #expect(WeightQuantizers.named(name)?.methodName == name)
    }
    #expect(WeightQuantizers.named("A2Q") == nil)
  }

  @Test(arguments: methods, [Float.nan, .infinity, -.infinity])
  func `a weight that is not finite is refused with its place`(name: String, value: Float) throws {
    let layer = WeightLayer(
      channels: 3, length: 20, bits: 4, budget: try makeBudget(0...15, bits: 12))
    let quantizer = try #require(WeightQuantizers.named(name)).init(layer)
    var weights = [Float](repeating: 0.5, count: 60)
    let parameters = try quantizer.initialized(weights, .clamp).parameters
    weights[47] = value
    let error = QuantizerError.nonFiniteWeight(channel: 2, index: 7)
    #expect(throws: error) { try quantizer.initialized(weights, .projection) }
    #expect(throws: error) { try quantizer.quantize(weights, parameters) }
  }

  @Test(arguments: methods)
  func `a parameter that is not finite is refused with its channel`(name: String) throws {
    let layer = WeightLayer(
      channels: 2, length: 4, bits: 4, budget: try makeBudget(0...15, bits: 12))
    let quantizer = try #require(WeightQuantizers.named(name)).init(layer)
    let weights: [Float] = [1, 2, 3, -4, 1, -2, 3, 4]
    var parameters = try quantizer.initialized(weights, .clamp).parameters
    parameters.log2Scale[1] = 200
    #expect(throws: QuantizerError.nonFiniteParameter(channel: 1)) {
      try quantizer.quantize(weights, parameters)
    }
  }

  /// Distributions that rounding treats badly: equal weights up to a few units in the last place, one
  /// large weight, one sign, magnitudes across the whole range.
  @Test(arguments: constrained, WeightInitialization.allCases)
  func `no accumulator overflows, whatever the weights`(
    name: String, initialization: WeightInitialization
  ) throws {
    var generator = SplitMix(seed: 11)
    for (bits, range, accumulator) in [
      (8, Int64(0)...255, 16), (4, -8...7, 10), (4, 0...15, 9), (2, 0...3, 6), (8, -128...127, 32),
      (3, 1...7, 8),
    ] {
      for length in [1, 2, 9, 72, 301] {
        let layer = WeightLayer(
          channels: 12, length: length, bits: bits,
          budget: try makeBudget(range, bits: accumulator))
        var weights: [Float] = []
        for channel in 0..<12 {
          for _ in 0..<length {
            let normal = generator.normal()
            let weight: Float =
              switch channel {
              case 0: 0
              case 1: 0.1
              case 2: 1 + normal * 1e-7
              case 3: 1 + normal * 1e-6
              case 4: normal.magnitude
              case 5: -normal.magnitude
              case 6: normal * 1e-30
              case 7: normal * 1e30
              case 8: weights.count == 8 * length ? 100 : normal * 0.01
              case 9: normal * Float.leastNonzeroMagnitude * 100
              default: normal
              }
            weights.append(weight)
          }
        }
        let quantizer = try #require(WeightQuantizers.named(name)).init(layer)
        let (parameters, initial) = try quantizer.initialized(weights, initialization)
        let result = try quantizer.quantize(initial, parameters)
        #expect(layer.fits(result.codes), "M \(bits), K \(length), \(range)")
        #expect(result.codes.allSatisfy { $0.magnitude <= layer.limit })
        #expect(result.scales.allSatisfy { $0.isFinite && $0 > 0 })
        #expect(result.summary.degenerateChannels > 0)
      }
    }
  }

  @Test func `layers of one weight a channel fall back to A2Q, and say so`() throws {
    let layer = WeightLayer(
      channels: 3, length: 1, bits: 8, budget: try makeBudget(0...255, bits: 14))
    let weights: [Float] = [0.5, -0.25, 0]
    let plus = A2QPlusQuantizer(layer)
    let plain = A2QQuantizer(layer)
    let parameters = try plus.initialized(weights, .projection).parameters
    #expect(parameters == (try plain.initialized(weights, .projection).parameters))
    let result = try plus.quantize(weights, parameters)
    #expect(result.codes == (try plain.quantize(weights, parameters).codes))
    #expect(result.codes[0] > 0 && result.codes[1] < 0)
    #expect(result.summary.fellBackToA2Q)
    #expect(try !plain.quantize(weights, parameters).summary.fellBackToA2Q)
  }

  @Test(arguments: constrained)
  func `biases, tiles and limits per sign are kept by repair`(name: String) throws {
    var generator = SplitMix(seed: 17)
    let weights = (0..<4 * 40).map { _ in generator.normal() }
    let budgets = [
      try makeBudget(0...15, bits: 10, bias: 300), try makeBudget(0...15, bits: 10, bias: -510),
      try makeBudget(0...15, bits: 10, zeroPoint: 3, limits: (5, 11)),
      try makeBudget(-8...7, bits: 7, tile: (8, 9)),
    ]
    let layer = WeightLayer(channels: 4, length: 40, bits: 4, budgets: budgets)
    let quantizer = try #require(WeightQuantizers.named(name)).init(layer)
    let (parameters, initial) = try quantizer.initialized(weights, .projection)
    let result = try quantizer.quantize(initial, parameters)
    #expect(layer.fits(result.codes))
    var values = [Float](repeating: .nan, count: weights.count)
    try values.withMutableBuffer { values in
      try initial.withBuffer { weights in
        try parameters.withView {
          _ = try quantizer.forward(weights, $0, into: .init(values: values))
        }
      }
    }
    // Values alone tell the same story as the integers.
    for index in values.indices {
      #expect(values[index] == Float(result.codes[index]) * result.scales[index / 40])
    }
  }

  @Test(arguments: constrained, [Float(0.02), 0.1, 0.7])
  func `weights fit beside the integers of biases at every scale, and a training's biases count`(
    name: String, step: Float
  ) throws {
    var generator = SplitMix(seed: 19)
    let weights = (0..<6 * 30).map { _ in generator.normal() * 0.1 }
    let biases: [Float] = [0, 900, -900, 3, -40, 1e9]
    let budget = try makeBudget(0...15, bits: 11)
    let layer = WeightLayer(
      channels: 6, length: 30, bits: 4, budgets: [budget], biasFormat: BiasFormat(bits: 12),
      biases: biases.map { $0 * step })
    let quantizer = try #require(WeightQuantizers.named(name)).init(layer)
    var (parameters, initial) = try quantizer.initialized(weights, .projection)
    for other in [[], [Float](repeating: -12, count: 6)] {
      parameters.biases = other
      for shift: Float in [-2, 0, 1, 3] {
        var moved = parameters
        for channel in 0..<6 { moved.log2Scale[channel] += shift }
        let result = try quantizer.quantize(initial, moved)
        for channel in 0..<6 {
          let real = other.isEmpty ? layer.biases[channel] : other[channel]
          let bias = layer.integer(ofBias: real, channel, scale: result.scales[channel])
          let nearest = (real / result.scales[channel]).rounded(.toNearestOrEven)
          #expect(bias == Int64(min(max(nearest, -1024), 1023)), "clipped to the accumulator")
          let row = result.codes[channel * 30..<(channel + 1) * 30].map(Int.init)
          let products = (
            row.reduce(0) { $0 + 15 * max($1, 0) }, row.reduce(0) { $0 + 15 * min($1, 0) }
          )
          #expect(products.0 + max(Int(bias), 0) <= 1023)
          #expect(products.1 + min(Int(bias), 0) >= -1024)
        }
      }
    }
  }

  @Test(arguments: ["a2q", "a2q+"], [1, 4, 7])
  func `the norm of each tile keeps its budget without repair`(name: String, tile: Int) throws {
    var generator = SplitMix(seed: 23)
    let weights = (0..<5 * 40).map { generator.normal() * ($0 % 40 < 8 ? 3 : 1) }
    for (range, outerBits) in [(0...15, 20), (-8...7, 20), (0...15, 11)]
      as [(ClosedRange<Int64>, Int)]
    {
      let budget = try makeBudget(range, bits: 9, tile: (tile, outerBits))
      let layer = WeightLayer(channels: 5, length: 40, bits: 5, budget: budget)
      let quantizer = try #require(WeightQuantizers.named(name)).init(layer)
      for initialization in WeightInitialization.allCases {
        let (parameters, initial) = try quantizer.initialized(weights, initialization)
        let result = try quantizer.quantize(initial, parameters)
        #expect(layer.fits(result.codes))
        #expect(result.codes.contains { $0 != 0 })
        if tile > 1 { #expect(result.summary.repairedUnits == 0) }
      }
    }
  }

  @Test(arguments: constrained)
  func `a bias that overflows by itself is refused with its channel`(name: String) throws {
    let budgets = [try makeBudget(0...15, bits: 8), try makeBudget(0...15, bits: 8, bias: 128)]
    let layer = WeightLayer(channels: 2, length: 3, bits: 4, budgets: budgets)
    let quantizer = try #require(WeightQuantizers.named(name)).init(layer)
    let parameters = ChannelParameters(log2Scale: [0, 0], log2Norm: [0, 0])
    #expect(throws: QuantizerError.infeasibleBudget(channel: 1)) {
      try quantizer.quantize([1, 2, 3, 0, 0, 0], parameters)
    }
  }

  @Test func `plain quantization rounds to nearest, ties to even, within the narrow range`() throws
  {
    let layer = WeightLayer(
      channels: 1, length: 7, bits: 3, budget: try makeBudget(0...15, bits: 8))
    let quantizer = UnconstrainedQuantizer(layer)
    let result = try quantizer.quantize(
      [0.25, 0.75, -0.25, 1.5, -9, 1.3, -1.2], ChannelParameters(log2Scale: [-1], log2Norm: []))
    #expect(result.codes == [0, 2, 0, 3, -3, 3, -2])
    #expect(result.scales == [0.5])
    let (parameters, _) = try quantizer.initialized([0.1, -3, 0, 0, 0, 0, 1], .projection)
    #expect(parameters.log2Scale == [0])
  }

  @Test func `the error is relative to the float weights' norm`() {
    let result = QuantizedWeights(
      codes: [1, -2, 0, 3], scales: [0.5, 2], summary: .init())
    #expect(result.relativeError(from: [0.5, -1, 0, 6]) == 0)
    let error = result.relativeError(from: [0.5, -1, 2, 2])
    #expect(error == 20 / 9.25, "(2^2 + 4^2) / (0.5^2 + 1 + 2^2 + 2^2)")
  }

  @Test(arguments: [1, 7, 8, 9, 23, 64])
  func `a channel's error is the plain sum of its squared differences`(length: Int) {
    var generator = SplitMix(seed: UInt64(length))
    let codes = (0..<3 * length).map { _ in Int8(truncatingIfNeeded: Int(generator.normal() * 40)) }
    let weights = (0..<3 * length).map { _ in generator.normal() }
    let scales: [Float] = [0.25, 0.03, 2]
    let errors = QuantizedWeights(codes: codes, scales: scales).errors(from: weights)
    for channel in 0..<3 {
      let expected = (channel * length..<(channel + 1) * length).reduce(0.0) {
        let rest = Double(codes[$1]) * Double(scales[channel]) - Double(weights[$1])
        return $0 + rest * rest
      }
      #expect((errors[channel] - expected).magnitude <= 1e-12 * expected)
    }
  }

  @Test func `results don't depend on the number of threads`() throws {
    var generator = SplitMix(seed: 23)
    let weights = (0..<64 * 2048).map { _ in generator.normal() }
    let layer = WeightLayer(
      channels: 64, length: 2048, bits: 4, budget: try makeBudget(0...15, bits: 12))
    let quantizer = A2QPlusQuantizer(layer)
    func run() throws -> ([Float], [Int8]) {
      let (parameters, initial) = try quantizer.initialized(weights, .projection)
      return (initial, try quantizer.quantize(initial, parameters).codes)
    }
    let parallel = try Parallelism.$threadCountOfTask.withValue(3, operation: run)
    let alone = try Parallelism.$threadCountOfTask.withValue(1, operation: run)
    #expect(parallel == alone)
  }
}
