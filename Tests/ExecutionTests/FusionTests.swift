import GraphIR
import TensorCore
import TestSupport
import Testing

@testable import Execution
@testable import Operators

@Suite struct FusionTests {
  /// Builds graphs over random constants.
  struct Builder {
    var graph = Graph()
    var random = SplitMix(seed: 3)

    mutating func tensor(_ shape: [Int], _ range: ClosedRange<Float> = -1...1) -> Tensor {
      let count = shape.reduce(1, *)
      return Tensor((0..<count).map { _ in Float.random(in: range, using: &random) }, shape: shape)
    }

    mutating func constant(_ shape: [Int], _ range: ClosedRange<Float> = -1...1) -> ValueID {
      graph.addConstant(name: "c", tensor(shape, range))
    }

    mutating func node(_ op: any Operator, _ inputs: ValueID?...) -> ValueID {
      graph.addNode(op, name: op.type, inputs: inputs, output: op.type)
    }

    mutating func convolution(_ x: ValueID, _ inputs: Int, _ outputs: Int, hasBias: Bool = false)
      -> ValueID
    {
      let weight = constant([outputs, inputs, 3, 3])
      let bias = hasBias ? constant([outputs]) : nil
      return node(Conv(window: SlidingWindow(pads: [1, 1, 1, 1])), x, weight, bias)
    }

    mutating func normalization(_ x: ValueID, _ channels: Int) -> ValueID {
      node(
        BatchNormalization(), x, constant([channels]), constant([channels]), constant([channels]),
        constant([channels], 0.5...2))
    }
  }

  /// The kernels that a plan for some results runs, reorders left out.
  static func kernelCount(_ graph: Graph, _ feed: [ValueID: Tensor], _ results: [ValueID]) throws
    -> Int
  {
    let types = feed.mapValues { ConcreteType($0.elementType, $0.shape) }
    let inference = try ConcreteInference(graph, fed: types, results: results, known: [:])
    return Fusion(
      graph, inference, results: results,
      rules: .init(fusesNodes: true, foldsNormalization: true), cache: ConstantCache()
    ).items.count
  }

  static func expectSameResult(_ graph: Graph, _ feed: [ValueID: Tensor], _ results: [ValueID])
    throws
  {
    let fused = try Session(graph: graph).run(feed, fetch: results)
    let plain = try Session(graph: graph, options: .init(fusesNodes: false)).run(
      feed, fetch: results)
    for value in results {
      let a = try #require(fused[value]).elements(of: Float.self)
      let b = try #require(plain[value]).elements(of: Float.self)
      let scale = b.map(\.magnitude).max() ?? 0
      #expect(scale > 0)
      #expect(zip(a, b).allSatisfy { abs($0 - $1) <= 1e-5 * scale })
    }
  }

  @Test
  func `normalisation by the statistics of its own input isn't folded into the layer before it`()
    throws
  {
    var builder = Builder()
    let x = builder.graph.addInput(name: "x", type: TensorType(.float32, shape: [2, 3, 8, 8]))
    let layer = builder.convolution(x, 3, 5)
    let normalized = builder.node(
      BatchNormalization(usesBatchStatistics: true), layer, builder.constant([5]),
      builder.constant([5]), builder.constant([5]), builder.constant([5], 0.5...2))
    let y = builder.node(Relu(), normalized)
    builder.graph.addOutput(y)
    let feed = [x: builder.tensor([2, 3, 8, 8])]
    #expect(try Self.kernelCount(builder.graph, feed, [y]) == 3)
    try Self.expectSameResult(builder.graph, feed, [y])
  }

  @Test(arguments: [3, 16, 17], [true, false])
  func `a residual block is two passes with the same result`(_ channels: Int, _ hasBias: Bool)
    throws
  {
    var builder = Builder()
    let x = builder.graph.addInput(name: "x", type: nil)
    let a = builder.convolution(x, channels, channels, hasBias: hasBias)
    let first = builder.node(Relu(), builder.normalization(a, channels))
    let b = builder.convolution(first, channels, channels, hasBias: hasBias)
    let sum = builder.node(Add(), builder.normalization(b, channels), x)
    let y = builder.node(LeakyRelu(alpha: 0.1), sum)
    builder.graph.addOutput(y)
    let feed = [x: builder.tensor([2, channels, 6, 5])]
    #expect(try Self.kernelCount(builder.graph, feed, [y]) == 2)
    try Self.expectSameResult(builder.graph, feed, [y])
  }

  @Test func `the residual survives where something else reads it`() throws {
    var builder = Builder()
    let x = builder.graph.addInput(name: "x", type: nil)
    let stem = builder.convolution(x, 3, 17)
    let sum = builder.node(Add(), stem, builder.convolution(stem, 17, 17))
    let y = builder.node(Concat(axis: 1), sum, stem)
    builder.graph.addOutput(y)
    let feed = [x: builder.tensor([1, 3, 6, 6])]
    #expect(try Self.kernelCount(builder.graph, feed, [y]) == 3)
    try Self.expectSameResult(builder.graph, feed, [y])
  }

  @Test func `what is observed or read twice is not joined`() throws {
    var builder = Builder()
    let x = builder.graph.addInput(name: "x", type: nil)
    let a = builder.convolution(x, 3, 5)
    let n = builder.normalization(a, 5)
    let y = builder.node(Relu(), n)
    let feed = [x: builder.tensor([1, 3, 4, 4])]
    #expect(try Self.kernelCount(builder.graph, feed, [y]) == 1)
    #expect(try Self.kernelCount(builder.graph, feed, [y, n]) == 2)
    #expect(try Self.kernelCount(builder.graph, feed, [y, a]) == 2)
    #expect(try Self.kernelCount(builder.graph, feed, [y, a, n]) == 3)
    let twice = builder.node(Add(), a, y)
    #expect(try Self.kernelCount(builder.graph, feed, [twice]) == 3)
    for results in [[y], [y, n], [y, a], [y, a, n], [twice]] {
      try Self.expectSameResult(builder.graph, feed, results)
    }
  }

  @Test func `a value added to itself and a broadcast are not taken for residuals`() throws {
    var builder = Builder()
    let x = builder.graph.addInput(name: "x", type: nil)
    let a = builder.convolution(x, 3, 5)
    let double = builder.node(Add(), a, a)
    let b = builder.convolution(x, 3, 5)
    let pooled = builder.node(GlobalAveragePool(), double)
    let y = builder.node(Relu(), builder.node(Add(), b, pooled))
    try Self.expectSameResult(builder.graph, [x: builder.tensor([2, 3, 4, 4])], [y])
  }

  @Test func `a perceptron is one pass a layer`() throws {
    var builder = Builder()
    let x = builder.graph.addInput(name: "x", type: nil)
    let hidden = builder.node(
      Add(), builder.constant([17]), builder.node(MatMul(), x, builder.constant([8, 17])))
    let relu = builder.node(Relu(), hidden)
    let y = builder.node(
      Add(), builder.node(MatMul(), relu, builder.constant([17, 3])), builder.constant([1, 3]))
    let feed = [x: builder.tensor([4, 8])]
    #expect(try Self.kernelCount(builder.graph, feed, [y]) == 2)
    try Self.expectSameResult(builder.graph, feed, [y])
  }

  @Test func `factors of a Gemm apply before its activation`() throws {
    var builder = Builder()
    let x = builder.graph.addInput(name: "x", type: nil)
    let gemm = builder.node(
      Gemm(alpha: -1, beta: 0.5), x, builder.constant([4, 5]), builder.constant([5]))
    let y = builder.node(Relu(), gemm)
    try Self.expectSameResult(builder.graph, [x: builder.tensor([3, 4])], [y])
  }

  @Test func `a graph with quantizers keeps its normalizations`() throws {
    var builder = Builder()
    let x = builder.graph.addInput(name: "x", type: nil)
    let n = builder.normalization(builder.convolution(x, 3, 5), 5)
    let scale = builder.graph.addConstant(name: "s", Tensor(scalar: Float(0.25)))
    let zero = builder.graph.addConstant(name: "z", Tensor(scalar: Float(0)))
    let bits = builder.graph.addConstant(name: "b", Tensor(scalar: Float(4)))
    let y = builder.node(Quant(isSigned: true, isNarrow: false), n, scale, zero, bits)
    let feed = [x: builder.tensor([1, 3, 8, 8])]
    let results = try Session(graph: builder.graph).run(feed, fetch: [y])
    let plain = try Session(graph: builder.graph, options: .init(fusesNodes: false)).run(
      feed, fetch: [y])
    #expect(results == plain)
  }
}
