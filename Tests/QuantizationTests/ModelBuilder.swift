import GraphIR
import Operators
import TensorCore

/// Writes small float graphs for tests, with weights from a fixed linear congruential sequence.
struct ModelBuilder {
  var graph = Graph(name: "test")
  private var state: UInt64 = 1

  /// Numbers in -1..<1, the same in every run.
  mutating func random(_ count: Int) -> [Float] {
    (0..<count).map { _ in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Float(Int32(truncatingIfNeeded: state >> 32)) / Float(Int32.max)
    }
  }

  mutating func input(_ shape: [Dimension], name: String = "x") -> ValueID {
    graph.addInput(name: name, type: TensorType(.float32, shape))
  }

  mutating func constant(_ name: String, shape: [Int]) -> ValueID {
    graph.addConstant(name: name, Tensor(random(shape.reduce(1, *)), shape: shape))
  }

  mutating func convolution(
    _ x: ValueID, _ name: String, from: Int, to: Int, group: Int = 1, size: Int = 3
  ) -> ValueID {
    let weight = constant("\(name).weight", shape: [to, from / group, size, size])
    let pad = size / 2
    let op = Conv(window: SlidingWindow(pads: [pad, pad, pad, pad]), group: group)
    return graph.addNode(op, name: name, inputs: [x, weight], output: "\(name).out")
  }

  mutating func linear(_ x: ValueID, _ name: String, from: Int, to: Int) -> ValueID {
    let weight = constant("\(name).weight", shape: [from, to])
    return graph.addNode(MatMul(), name: name, inputs: [x, weight], output: "\(name).out")
  }

  mutating func relu(_ x: ValueID, _ name: String) -> ValueID {
    graph.addNode(Relu(), name: name, inputs: [x], output: "\(name).out")
  }

  mutating func add(_ a: ValueID, _ b: ValueID, _ name: String) -> ValueID {
    graph.addNode(Add(), name: name, inputs: [a, b], output: "\(name).out")
  }

  mutating func flatten(_ x: ValueID, _ name: String) -> ValueID {
    graph.addNode(Flatten(axis: 1), name: name, inputs: [x], output: "\(name).out")
  }

  /// x -> stem -> q, k -> q k^T -> head: the scores of attention over five positions of six features.
  static func attention() -> Graph {
    var builder = ModelBuilder()
    let x = builder.input([.symbolic("n"), 5, 6])
    let stem = builder.relu(builder.linear(x, "stem", from: 6, to: 6), "stem_relu")
    let q = builder.linear(stem, "q", from: 6, to: 6)
    let k = builder.linear(stem, "k", from: 6, to: 6)
    let transposed = builder.graph.addNode(
      Transpose(permutation: [0, 2, 1]), name: "transpose", inputs: [k], output: "transpose.out")
    let scores = builder.graph.addNode(
      MatMul(), name: "scores", inputs: [q, transposed], output: "scores.out")
    builder.graph.addOutput(builder.linear(scores, "head", from: 5, to: 3))
    return builder.graph
  }

  /// x -> stem -> relu -> [a -> relu -> b] + shortcut -> relu -> head, all but the ends hidden layers.
  static func residual() -> Graph {
    var builder = ModelBuilder()
    let x = builder.input([.symbolic("n"), 4, 6, 6])
    let stem = builder.relu(builder.convolution(x, "stem", from: 4, to: 4), "stem_relu")
    let a = builder.relu(builder.convolution(stem, "a", from: 4, to: 4), "a_relu")
    let b = builder.convolution(a, "b", from: 4, to: 4)
    let sum = builder.relu(builder.add(b, stem, "sum"), "sum_relu")
    let head = builder.linear(
      builder.flatten(sum, "flatten"), "head", from: 4 * 6 * 6, to: 3)
    builder.graph.addOutput(head)
    return builder.graph
  }
}
