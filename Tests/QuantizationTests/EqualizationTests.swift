import Execution
import GraphIR
import Operators
import TensorCore
import Testing

@testable import Quantization

@Suite struct EqualizationTests {
  /// Graphs in which factors can move, and the layers into which they do.
  static let fires: [(name: String, graph: Graph, shape: [Int], targets: [String])] = [
    ("dense", ModelBuilder.dense(), [8], ["middle", "third", "last"]),
    ("separable", ModelBuilder.separable(), [4, 6, 6], ["dw", "pw", "last"]),
    ("upscaling", ModelBuilder.upscaling(), [3, 4, 5], ["up", "last"]),
    ("normalized residual", ModelBuilder.normalizedResidual(), [4, 6, 6], ["b"]),
    ("pooled", pooled(), [3, 8, 8], ["b", "c", "head"]),
  ]

  /// Convolutions with biases, LeakyRelu, both kinds of pooling, and a head on a flattened image.
  static func pooled() -> Graph {
    var builder = ModelBuilder()
    let x = builder.input([.symbolic("n"), 3, 8, 8])
    func convolution(_ x: ValueID, _ name: String, from: Int, to: Int) -> ValueID {
      let inputs = [
        x, builder.constant("\(name).weight", shape: [to, from, 3, 3]),
        builder.constant("\(name).bias", shape: [to]),
      ]
      return builder.graph.addNode(
        Conv(window: SlidingWindow(pads: [1, 1, 1, 1])), name: name, inputs: inputs,
        output: "\(name).out")
    }
    let window = SlidingWindow(kernelShape: [2, 2], strides: [2, 2])
    let a = builder.graph.addNode(
      LeakyRelu(alpha: 0.1), name: "r1", inputs: [convolution(x, "a", from: 3, to: 4)],
      output: "r1.out")
    let small = builder.graph.addNode(
      MaxPool(window: window), name: "p1", inputs: [a], output: "p1.out")
    let b = builder.relu(convolution(small, "b", from: 4, to: 6), "r2")
    let smaller = builder.graph.addNode(
      AveragePool(window: window), name: "p2", inputs: [b], output: "p2.out")
    let c = builder.relu(convolution(smaller, "c", from: 6, to: 5), "r3")
    let flat = builder.graph.addNode(
      Flatten(axis: 1), name: "flat", inputs: [c], output: "flat.out",
      type: TensorType(.float32, [.symbolic("n"), .fixed(20)]))
    builder.graph[c].type = TensorType(
      .float32, [.symbolic("n"), .fixed(5), .fixed(2), .fixed(2)])
    builder.graph.addOutput(builder.linear(flat, "head", from: 20, to: 3))
    return builder.graph
  }

  private func runner(_ graph: Graph, _ shape: [Int]) throws -> SampleRunner {
    try SampleRunner(
      graph: graph, source: try ConverterTests.samples(16, shape), limit: 16, opensBatch: false)
  }

  private func output(_ graph: Graph, _ shape: [Int]) throws -> [Float] {
    let x = try ConverterTests.samples(4, shape).inputs(0..<4)
    let result = try Session(graph: graph).run([graph.inputs[0]: x[0]], fetch: graph.outputs)
    return try #require(result[graph.outputs[0]]).elements(of: Float.self)
  }

  @Test(arguments: fires.indices, [true, false])
  func `factors move into every layer that takes them, and outputs change by rounding only`(
    index: Int, withSamples: Bool
  ) throws {
    let (_, original, shape, targets) = Self.fires[index]
    var graph = original
    let runner = try runner(graph, shape)
    let reports = try CrossLayerEqualization.run(&graph, runner: withSamples ? runner : nil)
    #expect(reports.flatMap(\.edits).map(\.node) == targets)
    let (before, after) = (try output(original, shape), try output(graph, shape))
    let largest = try #require(before.map(\.magnitude).max())
    #expect(largest > 0)
    for (a, b) in zip(before, after) { #expect(abs(a - b) <= 1e-5 * largest) }
    let again = try CrossLayerEqualization.run(&graph, runner: withSamples ? runner : nil)
    #expect(again.isEmpty, "a second run changes nothing")
  }

  @Test func `before a depthwise layer all channels get the same activations`() throws {
    var graph = ModelBuilder.separable()
    let runner = try runner(graph, [4, 6, 6])
    _ = try CrossLayerEqualization.run(&graph, runner: runner)
    let value = try #require(graph.value(named: "r1.out"))
    var statistics = ChannelStatistics(channels: 4, axis: 1)
    try runner.observe([value], in: graph) { _, elements, shape in
      statistics.observe(elements, shape: shape)
    }
    let squares = zip(statistics.means, statistics.variances).map { $0 * $0 + $1 }
    let (least, most) = (try #require(squares.min()), try #require(squares.max()))
    #expect(least > 0 && most / least < 1.05)
  }

  @Test func `nothing moves through Clip, a value with two readers, or an output`() throws {
    var clipped = ModelBuilder()
    let x = clipped.input([.symbolic("n"), 4, 6, 6])
    let inner = clipped.convolution(x, "a", from: 4, to: 4)
    let six = clipped.graph.addNode(
      Clip(bounds: .attributes(minimum: 0, maximum: 6)), name: "six", inputs: [inner],
      output: "six.out")
    clipped.graph.addOutput(clipped.convolution(six, "b", from: 4, to: 2))

    var shown = ModelBuilder()
    let y = shown.input([.symbolic("n"), 4, 6, 6])
    let middle = shown.relu(shown.convolution(y, "a", from: 4, to: 4), "r")
    shown.graph.addOutput(shown.convolution(middle, "b", from: 4, to: 2))
    shown.graph.addOutput(middle)

    var shared = ModelBuilder()
    let z = shared.input([.symbolic("n"), 4, 6, 6])
    let read = shared.relu(shared.convolution(z, "a", from: 4, to: 4), "r")
    let left = shared.convolution(read, "b", from: 4, to: 2)
    shared.graph.addOutput(shared.add(left, shared.convolution(read, "c", from: 4, to: 2), "sum"))

    for graph in [clipped.graph, shown.graph, shared.graph] {
      #expect(try EqualizationPair.all(in: graph).isEmpty)
    }
  }

  @Test func `a weight that another layer reads too keeps its values there`() throws {
    var builder = ModelBuilder()
    let x = builder.input([.symbolic("n"), 4, 4, 4])
    let weight = builder.constant("shared", shape: [4, 4, 1, 1])
    let a = builder.graph.addNode(Conv(), name: "a", inputs: [x, weight], output: "a.out")
    let b = builder.graph.addNode(
      Conv(), name: "b", inputs: [builder.relu(a, "r1"), weight], output: "b.out")
    builder.graph.addOutput(builder.relu(b, "r2"))
    let original = builder.graph
    var graph = original
    let reports = try CrossLayerEqualization.run(
      &graph, runner: try runner(graph, [4, 4, 4]))
    #expect(reports.flatMap(\.edits).map(\.node) == ["b"])
    for (p, q) in zip(try output(original, [4, 4, 4]), try output(graph, [4, 4, 4])) {
      #expect(abs(p - q) <= 1e-5 * max(1, abs(p)))
    }
  }

  @Test func `channels that are never active or never read keep a factor of 1`() throws {
    var graph = ModelBuilder.residual()
    let weight = try #require(graph.value(named: "b.weight"))
    var values = try #require(graph[weight].constant).elements(of: Float.self)
    for row in 0..<4 { for index in 0..<9 { values[row * 36 + 9 + index] = 0 } }
    graph.setConstant(weight, Tensor(values, shape: [4, 4, 3, 3]))
    let before = try #require(graph.value(named: "a.weight").flatMap { graph[$0].constant })
    _ = try CrossLayerEqualization.run(&graph, runner: try runner(graph, [4, 6, 6]))
    let after = try #require(graph.value(named: "a.weight").flatMap { graph[$0].constant })
    let (p, q) = (before.elements(of: Float.self), after.elements(of: Float.self))
    #expect(p[36..<72] == q[36..<72])
    #expect(p[..<36] != q[..<36])
  }
}
