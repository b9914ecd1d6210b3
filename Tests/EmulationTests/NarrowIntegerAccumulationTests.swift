import AccumulatorBounds
import GraphIR
import TensorCore
import TestSupport
import Testing

@testable import Emulation
@testable import Execution
@testable import Operators

/// Sums of integer operators in narrow registers against a recomputation, product by product.
@Suite struct NarrowIntegerAccumulationTests {
  /// A product under test, on integer tensors and on quantized ones.
  struct Case: Sendable, CustomTestStringConvertible {
    var name: String
    var integer: any Operator
    var quantized: any Operator
    var x: [Int]
    var weight: [Int]
    var isWeightLeft = false
    /// Axes of the channels, of the weight and of the output.
    var weightAxis: Int
    var outputAxis: Int
    /// Positions in x and weight of the products of an output element.
    var products: @Sendable ([Int]) -> [(x: [Int], weight: [Int])]

    var channels: Int { weight[weightAxis] }
    var testDescription: String { name }
  }

  static let cases: [Case] = [
    Case(
      name: "convolution", integer: ConvInteger(layer: window),
      quantized: QLinearConv(layer: window),
      x: NarrowAccumulationTests.convolution.x, weight: NarrowAccumulationTests.convolution.weight,
      weightAxis: 0, outputAxis: 1, products: NarrowAccumulationTests.convolution.products),
    Case(
      name: "matrix on the right", integer: MatMulInteger(), quantized: QLinearMatMul(),
      x: [2, 3, 11], weight: [11, 4], weightAxis: 1, outputAxis: 2
    ) { at in (0..<11).map { ([at[0], at[1], $0], [$0, at[2]]) } },
    Case(
      name: "matrix on the left", integer: MatMulInteger(), quantized: QLinearMatMul(),
      x: [2, 9, 37], weight: [5, 9], isWeightLeft: true, weightAxis: 0, outputAxis: 1
    ) { at in (0..<9).map { ([at[0], $0, at[2]], [at[1], $0]) } },
  ]

  private static let window = Conv(
    window: SlidingWindow(
      kernelShape: [3, 2], strides: [2, 1], dilations: [1, 2], pads: [1, 1, 1, 0]), group: 2)

  /// Widths of one run.
  struct Setting: Sendable {
    var bits: Int
    var tiles: (size: Int, outerBits: Int)?
    var biases: ClosedRange<Int>?
  }

  static let settings = [
    Setting(bits: 16), Setting(bits: 15, biases: -20_000...20_000),
    Setting(bits: 15, tiles: (4, 16), biases: -20_000...20_000),
    // Nothing overflows.
    Setting(bits: 32),
  ]

  /// Random operands of a case.
  private struct Operands {
    var x: [UInt8]
    var weight: [Int8]
    let zeroX: UInt8 = 119
    var zeroWeight: [Int8]
    var biases: [Int]?

    init(_ layer: Case, _ setting: Setting, _ random: inout SplitMix) {
      x = (0..<layer.x.reduce(1, *)).map { _ in .random(in: 0...255, using: &random) }
      weight = (0..<layer.weight.reduce(1, *)).map { _ in .random(in: -128...127, using: &random) }
      zeroWeight = (0..<layer.channels).map { _ in .random(in: -9...9, using: &random) }
      biases = setting.biases.map { range in
        (0..<layer.channels).map { _ in .random(in: range, using: &random) }
      }
    }
  }

  private func channel(_ position: Int, _ layer: Case) -> Int {
    index(position, layer.weight)[layer.weightAxis]
  }

  private func integers(_ operands: Operands, _ layer: Case) throws -> IntegerLayer {
    var rows = [[Int16]](repeating: [], count: layer.channels)
    for (position, code) in operands.weight.enumerated() {
      let channel = channel(position, layer)
      rows[channel].append(Int16(code) - Int16(operands.zeroWeight[channel]))
    }
    return try #require(
      IntegerLayer(
        codes: rows.flatMap { $0 }, scales: [Float](repeating: 1, count: layer.channels),
        inputScale: 1, inputRange: 0...1, biases: operands.biases?.map(Int64.init) ?? []))
  }

  /// The register's value of each output element, its channel, and what overflowed.
  private func expected(
    _ operands: Operands, _ layer: Case, _ shape: [Int], _ accumulator: NarrowAccumulator
  ) -> (values: [(value: Int, channel: Int)], counts: OverflowCounts) {
    var places = [Int](repeating: 0, count: operands.weight.count)
    var taken = [Int](repeating: 0, count: layer.channels)
    for position in places.indices {
      let channel = channel(position, layer)
      places[position] = taken[channel]
      taken[channel] += 1
    }
    var counts = OverflowCounts()
    let values = (0..<shape.reduce(1, *)).map { position in
      let at = index(position, shape)
      let channel = at[layer.outputAxis]
      let products = layer.products(at).map { product in
        let weight = offset(product.weight, layer.weight)
        let x = Int(operands.x[offset(product.x, layer.x)]) - Int(operands.zeroX)
        return (
          place: places[weight],
          value: x * (Int(operands.weight[weight]) - Int(operands.zeroWeight[channel]))
        )
      }
      let want = RegisterReference.expected(
        products, bias: operands.biases?[channel] ?? 0, accumulator)
      counts += want.counts
      return (want.value, channel)
    }
    return (values, counts)
  }

  private func accumulator(_ setting: Setting, _ overflow: NarrowAccumulator.Overflow) throws
    -> NarrowAccumulator
  {
    let tiling = setting.tiles.flatMap { Tiling(size: $0.size, outerBits: $0.outerBits) }
    return try #require(NarrowAccumulator(bits: setting.bits, overflow: overflow, tiling: tiling))
  }

  /// Runs a node on x, alone and in narrow registers.
  private func run(
    _ op: any Operator, _ operands: Operands, _ layer: Case, _ accumulator: NarrowAccumulator,
    inputs: (_ graph: inout Graph, _ x: ValueID, _ weight: ValueID) -> [ValueID?]
  ) throws -> (exact: Tensor, narrow: Tensor, counts: OverflowCounts) {
    var graph = Graph()
    let x = graph.addInput(name: "x", type: TensorType(.uint8, shape: layer.x))
    let weight = graph.addConstant(name: "w", Tensor(operands.weight, shape: layer.weight))
    let output = graph.addNode(
      op, name: "layer", inputs: inputs(&graph, x, weight), output: "y")
    graph.addOutput(output)
    let feed = [x: Tensor(operands.x, shape: layer.x)]
    let exact = try #require(try Session(graph: graph).run(feed, fetch: [output])[output])
    let counter = OverflowCounter()
    let node = try #require(graph.producer(of: output)).id
    let isEmulated = graph.accumulate(
      node, as: try integers(operands, layer), in: accumulator, counting: counter)
    #expect(isEmulated)
    let narrow = try #require(try Session(graph: graph).run(feed, fetch: [output])[output])
    #expect(narrow.shape == exact.shape && narrow.elementType == exact.elementType)
    return (exact, narrow, counter.counts)
  }

  private func check(
    _ counts: OverflowCounts, _ want: OverflowCounts, _ setting: Setting
  ) {
    #expect(counts == want, "\(setting)")
    #expect((want.overflowed > 0) == (setting.bits < 32), "\(setting)")
    #expect(want.overflowed < want.dotProducts, "\(setting)")
  }

  @Test(arguments: cases, NarrowAccumulator.Overflow.allCases)
  func `integer operators give what narrow registers hold, the bias for an Add behind`(
    layer: Case, overflow: NarrowAccumulator.Overflow
  ) throws {
    var random = SplitMix(seed: 11)
    for setting in Self.settings {
      let operands = Operands(layer, setting, &random)
      let accumulator = try accumulator(setting, overflow)
      let result = try run(layer.integer, operands, layer, accumulator) { graph, x, weight in
        let zeroX = graph.addConstant(name: "zx", Tensor(scalar: operands.zeroX))
        let zeroWeight = graph.addConstant(
          name: "zw", Tensor(operands.zeroWeight, shape: [layer.channels]))
        return layer.isWeightLeft
          ? [weight, x, zeroWeight, zeroX] : [x, weight, zeroX, zeroWeight]
      }
      let want = expected(operands, layer, result.exact.shape, accumulator)
      let sums = want.values.map { Int32($0.value - (operands.biases?[$0.channel] ?? 0)) }
      #expect(result.narrow.elements(of: Int32.self) == sums, "\(setting)")
      check(result.counts, want.counts, setting)
      if setting.bits == 32 {
        #expect(result.narrow.elements(of: Int32.self) == result.exact.elements(of: Int32.self))
      }
    }
  }

  @Test(arguments: cases, NarrowAccumulator.Overflow.allCases)
  func `operators with 8-bit outputs round what narrow registers hold`(
    layer: Case, overflow: NarrowAccumulator.Overflow
  ) throws {
    var random = SplitMix(seed: 12)
    for setting in Self.settings {
      // A product of matrices has no bias.
      if setting.biases != nil, !(layer.quantized is QLinearConv) { continue }
      let operands = Operands(layer, setting, &random)
      let accumulator = try accumulator(setting, overflow)
      // Steps that are powers of two leave the factor exact.
      let steps = (0..<layer.channels).map { Float(1) / Float(256 << ($0 % 3)) }
      let result = try run(layer.quantized, operands, layer, accumulator) { graph, x, weight in
        let stepX = graph.addConstant(name: "sx", Tensor(scalar: Float(0.5)))
        let zeroX = graph.addConstant(name: "zx", Tensor(scalar: operands.zeroX))
        let step = graph.addConstant(name: "sw", Tensor(steps, shape: [layer.channels]))
        let zero = graph.addConstant(
          name: "zw", Tensor(operands.zeroWeight, shape: [layer.channels]))
        let (left, right) = ([x, stepX, zeroX], [weight, step, zero])
        var inputs: [ValueID?] = layer.isWeightLeft ? right + left : left + right
        inputs.append(graph.addConstant(name: "sy", Tensor(scalar: Float(0.5))))
        inputs.append(graph.addConstant(name: "zy", Tensor(scalar: UInt8(100))))
        if let biases = operands.biases {
          inputs.append(
            graph.addConstant(name: "b", Tensor(biases.map(Int32.init), shape: [layer.channels])))
        }
        return inputs
      }
      let want = expected(operands, layer, result.exact.shape, accumulator)
      let codes = want.values.map { value, channel in
        let code = (Double(value) * Double(steps[channel])).rounded(.toNearestOrEven) + 100
        return UInt8(min(max(code, 0), 255))
      }
      #expect(result.narrow.elements(of: UInt8.self) == codes, "\(setting)")
      check(result.counts, want.counts, setting)
      if setting.bits == 32 {
        #expect(result.narrow.elements(of: UInt8.self) == result.exact.elements(of: UInt8.self))
      }
    }
  }

  @Test func `the bias of an operator stays outside a register that doesn't count it`() throws {
    let layer = Self.cases[0]
    var random = SplitMix(seed: 13)
    var operands = Operands(layer, Setting(bits: 15, biases: -20_000...20_000), &random)
    let biases = try #require(operands.biases)
    operands.biases = nil
    let accumulator = try accumulator(Setting(bits: 15), .wrap)
    let result = try run(layer.quantized, operands, layer, accumulator) { graph, x, weight in
      var inputs: [ValueID?] = [x]
      inputs.append(graph.addConstant(name: "sx", Tensor(scalar: Float(1))))
      inputs.append(graph.addConstant(name: "zx", Tensor(scalar: operands.zeroX)))
      inputs.append(weight)
      inputs.append(graph.addConstant(name: "sw", Tensor(scalar: Float(1))))
      inputs.append(
        graph.addConstant(name: "zw", Tensor(operands.zeroWeight, shape: [layer.channels])))
      inputs.append(graph.addConstant(name: "sy", Tensor(scalar: Float(256))))
      inputs.append(graph.addConstant(name: "zy", Tensor(scalar: UInt8(128))))
      inputs.append(
        graph.addConstant(name: "b", Tensor(biases.map(Int32.init), shape: [layer.channels])))
      return inputs
    }
    let want = expected(operands, layer, result.exact.shape, accumulator)
    let codes = want.values.map { value, channel in
      let code = (Double(value + biases[channel]) / 256).rounded(.toNearestOrEven) + 128
      return UInt8(min(max(code, 0), 255))
    }
    #expect(result.narrow.elements(of: UInt8.self) == codes)
    #expect(result.counts == want.counts && want.counts.overflowed > 0)
  }

  @Test func `a zero point that is computed at run time is subtracted as it comes`() throws {
    var graph = Graph()
    let x = graph.addInput(name: "x", type: TensorType(.uint8, shape: [1, 3]))
    let zero = graph.addInput(name: "z", type: TensorType(.uint8, shape: []))
    let weight = graph.addConstant(name: "w", Tensor([Int8(1), 2, 3], shape: [3, 1]))
    let output = graph.addNode(
      MatMulInteger(), name: "layer", inputs: [x, weight, zero], output: "y")
    graph.addOutput(output)
    let node = try #require(graph.producer(of: output)).id
    let layer = try #require(
      IntegerLayer(codes: [1, 2, 3], scales: [1], inputScale: 1, inputRange: 0...1))
    let counter = OverflowCounter()
    let isEmulated = graph.accumulate(
      node, as: layer, in: try #require(NarrowAccumulator(bits: 10, overflow: .wrap)),
      counting: counter)
    #expect(isEmulated)
    let session = try Session(graph: graph)
    // 255 + 2 * 255 + 3 * 255 = 1530 is 506 beyond a multiple of 1024, and -1530 as far below one.
    for (code, zeroPoint, sum) in [(255, 0, 506), (0, 255, -506), (200, 130, 420)] {
      let result = try session.run(
        [
          x: Tensor([UInt8](repeating: UInt8(code), count: 3), shape: [1, 3]),
          zero: Tensor(scalar: UInt8(zeroPoint)),
        ], fetch: [output])
      #expect(result[output]?.elements(of: Int32.self) == [Int32(sum)])
    }
    #expect(counter.counts.overflowed == 2)
  }
}
