import GraphIR
import TensorCore
import TestSupport
import Testing

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

  private func offset(_ index: [Int], _ shape: [Int]) -> Int {
    zip(index, shape).reduce(0) { $0 * $1.1 + $1.0 }
  }

  private func index(_ offset: Int, _ shape: [Int]) -> [Int] {
    var rest = offset
    return shape.reversed().map { size in
      defer { rest /= size }
      return rest % size
    }.reversed()
  }

  /// The value that a register holds after the products, and whether it left its range at the end and on the way.
  private func expected(_ products: [Int], _ accumulator: NarrowAccumulator) -> (
    value: Int, overflowed: Bool, partial: Bool
  ) {
    let (low, high) = (-(1 << (accumulator.bits - 1)), 1 << (accumulator.bits - 1) - 1)
    var exact = 0
    var clamped = 0
    var didClamp = false
    var partial = false
    for product in products {
      exact += product
      partial = partial || exact < low || exact > high
      clamped += product
      if clamped < low || clamped > high { didClamp = true }
      clamped = min(max(clamped, low), high)
    }
    let isOutside = exact < low || exact > high
    switch accumulator.overflow {
    case .count: return (exact, isOutside, partial)
    case .saturate: return (clamped, didClamp, didClamp)
    case .wrap:
      let modulus = 1 << accumulator.bits
      let rest = ((exact - low) % modulus + modulus) % modulus
      return (rest + low, isOutside, partial)
    }
  }

  @Test(
    arguments: [convolution, transposed, gemm, matrix], NarrowAccumulator.Overflow.allCases)
  func `a narrow register holds what adding product by product gives`(
    layer: Case, overflow: NarrowAccumulator.Overflow
  ) throws {
    var random = SplitMix(seed: 5)
    for (bits, weightRange, inputRange) in [
      (7, -7...7, 0...15), (12, -127...127, -128...127), (20, -30000...30000, -255...255),
    ] {
      let accumulator = try #require(NarrowAccumulator(bits: bits, overflow: overflow))
      let x = (0..<layer.x.reduce(1, *)).map { _ in Int.random(in: inputRange, using: &random) }
      let weight = (0..<layer.weight.reduce(1, *)).map { _ in
        Int.random(in: weightRange, using: &random)
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

      let codes = try channelCodes(layer, weight, shape)
      let counter = OverflowCounter()
      let integers = try #require(
        IntegerLayer(
          codes: codes, scales: scales, inputScale: 0.25,
          inputRange: Int16(inputRange.lowerBound)...Int16(inputRange.upperBound)))
      let node = try #require(graph.producer(of: output)).id
      let isEmulated = graph.accumulate(node, as: integers, in: accumulator, counting: counter)
      #expect(isEmulated)
      let result = try #require(
        try Session(graph: graph).run([input: tensor(x, layer.x)], fetch: [output])[output])
      #expect(result.shape == shape)

      var overflowed = 0
      var partial = 0
      let axis = layer.op is Conv || layer.op is ConvTranspose ? 1 : shape.count - 1
      for (position, actual) in result.elements(of: Float.self).enumerated() {
        let at = index(position, shape)
        let products = layer.products(at).map {
          x[offset($0.x, layer.x)] * weight[offset($0.weight, layer.weight)]
        }
        let want = expected(products, accumulator)
        overflowed += want.overflowed ? 1 : 0
        partial += want.partial ? 1 : 0
        #expect(actual == Float(want.value) * (0.25 * scales[at[axis]]))
      }
      #expect(counter.dotProducts == result.count)
      #expect(counter.overflowed == overflowed)
      #expect(counter.partiallyOverflowed == partial)
      #expect(partial > 0)
    }
  }

  private func tensor(_ codes: [Int], _ shape: [Int]) -> Tensor {
    Tensor(codes.map { Float($0) * 0.25 }, shape: shape)
  }

  /// Each channel's weights in the order of the file.
  private func channelCodes(_ layer: Case, _ weight: [Int], _ shape: [Int]) throws -> [Int16] {
    let shapeOfChannel: ([Int]) -> Int = { at in
      switch layer.op {
      case is Conv: at[0]
      case is ConvTranspose: at[0] / 2 * 3 + at[1]
      case is Gemm: at[0]
      default: at[1]
      }
    }
    var rows = [[Int16]](repeating: [], count: layer.channels)
    for (position, code) in weight.enumerated() {
      rows[shapeOfChannel(index(position, layer.weight))].append(Int16(code))
    }
    return rows.flatMap { $0 }
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
    #expect(counter.overflowed == 1)
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
