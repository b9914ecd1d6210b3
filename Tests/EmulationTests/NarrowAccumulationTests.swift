import AccumulatorBounds
import GraphIR
import TensorCore
import TestSupport
import Testing

@testable import Emulation
@testable import Execution
@testable import Operators

/// Sums in narrow registers against a recomputation, product by product.
@Suite struct NarrowAccumulationTests {
  /// A layer under test: its operator, its operands' shapes, and which products each output adds.
  struct Case: Sendable, CustomTestStringConvertible {
    var name: String
    var op: any Operator
    var x: [Int]
    var weight: [Int]
    var channels: Int
    /// Positions in x and weight of the products of an output element, in the documented order.
    var products: @Sendable ([Int]) -> [(x: [Int], weight: [Int])]

    var testDescription: String { name }
  }

  /// 4 input and 6 output channels in 2 groups, 3 x 2 kernel, stride 2 and 1, dilation 1 and 2, padding 1.
  static let convolution = Case(
    name: "Conv",
    op: Conv(
      window: SlidingWindow(
        kernelShape: [3, 2], strides: [2, 1], dilations: [1, 2], pads: [1, 1, 1, 0]), group: 2),
    x: [3, 4, 7, 6], weight: [6, 2, 3, 2], channels: 6
  ) { at in
    var products: [(x: [Int], weight: [Int])] = []
    for input in 0..<2 {
      for row in 0..<3 {
        for column in 0..<2 {
          let (y, x) = (at[2] * 2 + row - 1, at[3] + column * 2 - 1)
          guard (0..<7).contains(y), (0..<6).contains(x) else { continue }
          products.append(
            ([at[0], at[1] / 3 * 2 + input, y, x], [at[1], input, row, column]))
        }
      }
    }
    return products
  }

  /// 4 input and 6 output channels in 2 groups, 2 x 3 kernel, stride 2, padding 1 at both ends.
  static let transposed = Case(
    name: "ConvTranspose",
    op: ConvTranspose(
      window: SlidingWindow(kernelShape: [2, 3], strides: [2, 2], pads: [1, 0, 0, 1]), group: 2),
    x: [2, 4, 4, 3], weight: [4, 3, 2, 3], channels: 6
  ) { at in
    var products: [(x: [Int], weight: [Int])] = []
    for input in 0..<2 {
      for row in 0..<2 {
        for column in 0..<3 {
          let (y, x) = (at[2] + 1 - row, at[3] - column)
          guard y % 2 == 0, x % 2 == 0, (0..<4).contains(y / 2), (0..<3).contains(x / 2), x >= 0
          else { continue }
          let channel = at[1] / 3 * 2 + input
          products.append(
            ([at[0], channel, y / 2, x / 2], [channel, at[1] % 3, row, column]))
        }
      }
    }
    return products
  }

  static let gemm = Case(
    name: "Gemm", op: Gemm(transposesB: true), x: [37, 19], weight: [5, 19], channels: 5
  ) { at in (0..<19).map { ([at[0], $0], [at[1], $0]) } }

  static let matrix = Case(
    name: "MatMul", op: MatMul(), x: [2, 3, 11], weight: [11, 4], channels: 4
  ) { at in (0..<11).map { ([at[0], at[1], $0], [$0, at[2]]) } }

  /// Widths and ranges of one run.
  struct Setting: Sendable, CustomTestStringConvertible {
    var bits: Int
    var weights: ClosedRange<Int>
    var inputs: ClosedRange<Int>
    var tiles: (size: Int, outerBits: Int)?
    var biases: ClosedRange<Int>?

    var testDescription: String { "\(self)" }
  }

  static let settings = [
    Setting(bits: 7, weights: -7...7, inputs: 0...15),
    Setting(bits: 12, weights: -127...127, inputs: -128...127),
    Setting(bits: 20, weights: -30000...30000, inputs: -255...255),
    Setting(bits: 7, weights: -7...7, inputs: 0...15, biases: -80...80),
    Setting(bits: 20, weights: -30000...30000, inputs: -255...255, biases: -600_000...600_000),
    Setting(bits: 7, weights: -7...7, inputs: 0...15, tiles: (4, 8), biases: -150...150),
    Setting(bits: 8, weights: -7...7, inputs: 0...15, tiles: (1, 7)),
    Setting(bits: 14, weights: -127...127, inputs: -128...127, tiles: (5, 14)),
    Setting(bits: 8, weights: -7...7, inputs: 0...15, tiles: (1000, 40), biases: -80...80),
    Setting(
      bits: 22, weights: -30000...30000, inputs: -255...255, tiles: (3, 22),
      biases: -2_500_000...2_500_000),
  ]

  @Test(
    arguments: [convolution, transposed, gemm, matrix], NarrowAccumulator.Overflow.allCases)
  func `narrow registers hold what adding product by product gives`(
    layer: Case, overflow: NarrowAccumulator.Overflow
  ) throws {
    var random = SplitMix(seed: 5)
    var total = OverflowCounts()
    for setting in Self.settings {
      let tiling = setting.tiles.flatMap { Tiling(size: $0.size, outerBits: $0.outerBits) }
      let accumulator = try #require(
        NarrowAccumulator(bits: setting.bits, overflow: overflow, tiling: tiling))
      let x = (0..<layer.x.reduce(1, *)).map { _ in Int.random(in: setting.inputs, using: &random) }
      let weight = (0..<layer.weight.reduce(1, *)).map { _ in
        Int.random(in: setting.weights, using: &random)
      }
      let biases = setting.biases.map { range in
        (0..<layer.channels).map { _ in Int.random(in: range, using: &random) }
      }
      // Steps that are powers of two leave float results exact.
      let scales = (0..<layer.channels).map { Float($0 + 1) / 64 }
      var graph = Graph()
      let input = graph.addInput(name: "x", type: TensorType(.float32, shape: layer.x))
      let constant = graph.addConstant(
        name: "w", Tensor(weight.map(Float.init), shape: layer.weight))
      let output = graph.addNode(
        layer.op, name: "layer", inputs: [input, constant], output: "y")
      graph.addOutput(output)
      let shape = try #require(
        try Session(graph: graph).run([input: tensor(x, layer.x)], fetch: [output])[output]
      ).shape

      let stored = try channelOrder(layer)
      var places = [Int](repeating: 0, count: weight.count)
      for row in stored {
        for (place, position) in row.enumerated() { places[position] = place }
      }
      let counter = OverflowCounter()
      let integers = try #require(
        IntegerLayer(
          codes: stored.flatMap { $0.map { Int16(weight[$0]) } }, scales: scales,
          inputScale: 0.25,
          inputRange: Int16(setting.inputs.lowerBound)...Int16(setting.inputs.upperBound),
          biases: biases?.map(Int64.init) ?? []))
      let node = try #require(graph.producer(of: output)).id
      let isEmulated = graph.accumulate(node, as: integers, in: accumulator, counting: counter)
      #expect(isEmulated)
      let result = try #require(
        try Session(graph: graph).run([input: tensor(x, layer.x)], fetch: [output])[output])
      #expect(result.shape == shape)

      var counts = OverflowCounts()
      let axis = layer.op is Conv || layer.op is ConvTranspose ? 1 : shape.count - 1
      for (position, actual) in result.elements(of: Float.self).enumerated() {
        let at = index(position, shape)
        let products = layer.products(at).map { product in
          let place = offset(product.weight, layer.weight)
          return (places[place], x[offset(product.x, layer.x)] * weight[place])
        }
        let bias = biases?[at[axis]] ?? 0
        let want = RegisterReference.expected(products, bias: bias, accumulator)
        counts += want.counts
        // The graph adds the bias as a real number behind.
        #expect(actual == Float(want.value - bias) * (0.25 * scales[at[axis]]), "\(setting)")
      }
      #expect(counter.counts == counts, "\(setting)")
      #expect(counts.dotProducts == result.count)
      #expect(counts.partiallyOverflowed > 0, "\(setting)")
      total += counts
    }
    #expect(total.inTiles > 0 && total.inOuter > 0)
    #expect(total.overflowed < total.dotProducts)
  }

  private func tensor(_ codes: [Int], _ shape: [Int]) -> Tensor {
    Tensor(codes.map { Float($0) * 0.25 }, shape: shape)
  }

  /// The positions of each channel's weights in the order of the file.
  private func channelOrder(_ layer: Case) throws -> [[Int]] {
    let shapeOfChannel: ([Int]) -> Int = { at in
      switch layer.op {
      case is Conv: at[0]
      case is ConvTranspose: at[0] / 2 * 3 + at[1]
      case is Gemm: at[0]
      default: at[1]
      }
    }
    var rows = [[Int]](repeating: [], count: layer.channels)
    for position in 0..<layer.weight.reduce(1, *) {
      rows[shapeOfChannel(index(position, layer.weight))].append(position)
    }
    return rows
  }

  @Test func `an addend beside the product stays outside the register`() throws {
    var graph = Graph()
    let input = graph.addInput(name: "x", type: TensorType(.float32, shape: [1, 2]))
    let weight = graph.addConstant(
      name: "w", Tensor([Float](repeating: 1, count: 2), shape: [2, 1]))
    let bias = graph.addConstant(name: "b", Tensor([Float(100)], shape: [1]))
    let output = graph.addNode(
      Gemm(alpha: 2, beta: 0.5), name: "layer", inputs: [input, weight, bias], output: "y")
    graph.addOutput(output)
    let node = try #require(graph.producer(of: output)).id
    let integers = try #require(
      IntegerLayer(codes: [3, 3], scales: [1], inputScale: 1, inputRange: 0...15))
    let counter = OverflowCounter()
    let accumulator = try #require(NarrowAccumulator(bits: 7, overflow: .saturate))
    let isEmulated = graph.accumulate(node, as: integers, in: accumulator, counting: counter)
    #expect(isEmulated)
    let result = try Session(graph: graph).run(
      [input: Tensor([Float(15), 15], shape: [1, 2])], fetch: [output])
    // 3 * 15 + 3 * 15 = 90 is clamped to 63.
    #expect(result[output]?.elements(of: Float.self) == [2 * 63 + 50])
    #expect(counter.counts.overflowed == 1)
  }

  @Test func `operators without an emulation are left alone`() throws {
    var graph = Graph()
    let input = graph.addInput(name: "x", type: TensorType(.float32, shape: [2, 1]))
    let weight = graph.addConstant(name: "w", Tensor([Float(1), 1], shape: [2, 1]))
    let output = graph.addNode(
      Gemm(transposesA: true), name: "layer", inputs: [input, weight], output: "y")
    graph.addOutput(output)
    let node = try #require(graph.producer(of: output)).id
    let integers = try #require(
      IntegerLayer(codes: [1, 1], scales: [1], inputScale: 1, inputRange: 0...1))
    let accumulator = try #require(NarrowAccumulator(bits: 8, overflow: .wrap))
    let isEmulated = graph.accumulate(
      node, as: integers, in: accumulator, counting: OverflowCounter())
    #expect(!isEmulated && graph[node].op is Gemm)
  }
}
