import GraphIR
import Operators
import TensorCore
import Testing

@testable import Quantization

/// A small float model of one kind of layer, to train.
struct TrainableSample: Sendable, CustomTestStringConvertible {
  private(set) var testDescription: String
  let graph: Graph
  /// The shape of one sample.
  let shape: [Int]
  let method: Recipe.Method
  /// Of biases inside the accumulators.
  private var biasBits: Int?
  private var tileSize: Int?

  static let all: [TrainableSample] =
    plain
    + plain.filter { $0.method != .unconstrained }.map { $0.inTiles(biasBits: 9, tileSize: 5) }

  private static let plain: [TrainableSample] = [
    Recipe.Method.a2qPlus, .a2q, .exact, .unconstrained,
  ].flatMap { method in
    [
      TrainableSample("residual", ModelBuilder.residual(), [4, 6, 6], method),
      TrainableSample("normalized", ModelBuilder.normalizedResidual(), [4, 6, 6], method),
      TrainableSample("dense", ModelBuilder.dense(), [8], method),
      TrainableSample("depthwise", ModelBuilder.separable(), [4, 6, 6], method),
      TrainableSample("transposed", ModelBuilder.upscaling(), [3, 4, 5], method),
    ]
  }

  private func inTiles(biasBits: Int, tileSize: Int) -> TrainableSample {
    var result = self
    result.testDescription += ", biases and tiles"
    result.biasBits = biasBits
    result.tileSize = tileSize
    return result
  }

  private init(_ name: String, _ graph: Graph, _ shape: [Int], _ method: Recipe.Method) {
    testDescription = "\(name), \(method.rawValue)"
    self.graph = graph
    self.shape = shape
    self.method = method
  }

  var recipe: Recipe {
    ConverterTests.recipe {
      $0.method = method
      $0.accumulatorBits = 12
      $0.biasBits = biasBits
      $0.tileSize = tileSize
    }
  }

  func trainable(samples: Int = 16) throws -> TrainableModel {
    try Converter(recipe).trainable(
      ConverterTests.model(graph), calibration: try ConverterTests.samples(samples, shape))
  }
}

extension ModelBuilder {
  mutating func normalization(_ x: ValueID, _ name: String, channels: Int) -> ValueID {
    let positive = { (values: [Float]) in
      Tensor(values.map { 1 + 0.5 * $0 }, shape: [channels])
    }
    let inputs = [
      x, graph.addConstant(name: "\(name).scale", positive(random(channels))),
      constant("\(name).bias", shape: [channels]), constant("\(name).mean", shape: [channels]),
      graph.addConstant(name: "\(name).variance", positive(random(channels))),
    ]
    return graph.addNode(
      BatchNormalization(), name: name, inputs: inputs, output: "\(name).out")
  }

  mutating func gemm(_ x: ValueID, _ name: String, from: Int, to: Int) -> ValueID {
    let inputs = [
      x, constant("\(name).weight", shape: [to, from]), constant("\(name).bias", shape: [to]),
    ]
    return graph.addNode(
      Gemm(transposesB: true), name: name, inputs: inputs, output: "\(name).out")
  }

  /// Convolutions with normalisations, a shortcut between them, and a linear head on the mean of each channel.
  static func normalizedResidual(batch: Dimension = .symbolic("n")) -> Graph {
    var builder = ModelBuilder()
    let x = builder.input([batch, 4, 6, 6])
    func block(_ x: ValueID, _ name: String) -> ValueID {
      builder.normalization(
        builder.convolution(x, name, from: 4, to: 4), "\(name)_bn", channels: 4)
    }
    let stem = builder.relu(block(x, "stem"), "stem_relu")
    let a = builder.relu(block(stem, "a"), "a_relu")
    let sum = builder.relu(builder.add(block(a, "b"), stem, "sum"), "sum_relu")
    let pooled = builder.graph.addNode(
      GlobalAveragePool(), name: "pool", inputs: [sum], output: "pooled")
    let head = builder.gemm(builder.flatten(pooled, "flatten"), "head", from: 4, to: 3)
    builder.graph.addOutput(head)
    return builder.graph
  }

  /// Matrix products both ways: weights transposed with a bias, and as they are with an Add.
  static func dense() -> Graph {
    var builder = ModelBuilder()
    let x = builder.input([.symbolic("n"), 8])
    let first = builder.relu(builder.gemm(x, "first", from: 8, to: 12), "first_relu")
    let middle = builder.add(
      builder.linear(first, "middle", from: 12, to: 10),
      builder.constant("middle.bias", shape: [10]), "middle_add")
    let third = builder.gemm(builder.relu(middle, "middle_relu"), "third", from: 10, to: 6)
    builder.graph.addOutput(
      builder.linear(builder.relu(third, "third_relu"), "last", from: 6, to: 3))
    return builder.graph
  }

  /// A depthwise and a pointwise convolution between two plain ones.
  static func separable() -> Graph {
    var builder = ModelBuilder()
    let x = builder.input([.symbolic("n"), 4, 6, 6])
    let stem = builder.relu(builder.convolution(x, "stem", from: 4, to: 4), "r1")
    let depthwise = builder.normalization(
      builder.convolution(stem, "dw", from: 4, to: 4, group: 4), "dw_bn", channels: 4)
    let point = builder.convolution(builder.relu(depthwise, "r2"), "pw", from: 4, to: 6, size: 1)
    builder.graph.addOutput(
      builder.convolution(builder.relu(point, "r3"), "last", from: 6, to: 2))
    return builder.graph
  }

  /// A transposed convolution in two groups that doubles width and height, between plain ones.
  static func upscaling() -> Graph {
    var builder = ModelBuilder()
    let x = builder.input([.symbolic("n"), 3, 4, 5])
    let stem = builder.relu(builder.convolution(x, "stem", from: 3, to: 4), "r1")
    let weight = builder.constant("up.weight", shape: [4, 3, 2, 2])
    let up = builder.graph.addNode(
      ConvTranspose(window: SlidingWindow(strides: [2, 2]), group: 2), name: "up",
      inputs: [stem, weight], output: "up.out")
    builder.graph.addOutput(
      builder.convolution(builder.relu(up, "r2"), "last", from: 6, to: 1))
    return builder.graph
  }
}
