import GraphIR
import TensorCore
import TestSupport
import Testing
import TrainingSupport

@testable import Execution
@testable import Operators

/// Sessions whose results must not depend on the number of threads.
@Suite struct ReproducibleSessionTests {
  struct Layer: Sendable, CustomTestStringConvertible {
    var input: [Int]
    var weight: [Int]
    var group = 1
    var dilation = 1
    var isTransposed = false
    var testDescription: String {
      "\(isTransposed ? "ConvTranspose" : "Conv") \(input) by \(weight), group \(group)"
    }
  }

  /// Among them those that oneDNN computes by matrix products: groups of few channels, large dilations.
  static let layers = [
    Layer(input: [1, 12, 64, 64], weight: [6, 4, 3, 3], group: 3),
    Layer(input: [5, 12, 17, 17], weight: [6, 4, 3, 3], group: 3),
    Layer(input: [1, 20, 40, 40], weight: [30, 4, 1, 1], group: 5),
    Layer(input: [3, 64, 9, 9], weight: [64, 64, 5, 5], dilation: 2),
    Layer(input: [40, 6, 9, 10], weight: [4, 3, 3, 3], group: 2),
    Layer(input: [4, 17, 20, 20], weight: [33, 17, 3, 3]),
    Layer(input: [16, 256, 7, 7], weight: [32, 256, 1, 1]),
    Layer(input: [8, 10, 12, 12], weight: [10, 1, 3, 3], group: 10),
    Layer(input: [2, 8, 5, 6], weight: [8, 12, 3, 3], isTransposed: true),
    Layer(input: [5, 12, 17, 17], weight: [12, 2, 3, 3], group: 3, isTransposed: true),
  ]

  @Test(arguments: layers)
  func `a convolution has the same bits for any number of threads, and the usual value`(
    _ layer: Layer
  ) throws {
    var random = SplitMix(seed: 3)
    func tensor(_ shape: [Int]) -> Tensor {
      let values = (0..<shape.reduce(1, *)).map { _ in Float.random(in: -1...1, using: &random) }
      return Tensor(values, shape: shape)
    }
    var graph = Graph(name: "convolution")
    let x = graph.addInput(name: "x", type: TensorType(.float32, layer.input.map { .fixed($0) }))
    let pad = layer.weight[2] / 2 * layer.dilation
    let window = SlidingWindow(
      dilations: [layer.dilation, layer.dilation], pads: [pad, pad, pad, pad])
    let channels = layer.isTransposed ? layer.weight[1] * layer.group : layer.weight[0]
    let inputs = [
      x, graph.addConstant(name: "w", tensor(layer.weight)),
      graph.addConstant(name: "b", tensor([channels])),
    ]
    let y =
      layer.isTransposed
      ? graph.addNode(
        ConvTranspose(window: window, group: layer.group), name: "n", inputs: inputs, output: "y")
      : graph.addNode(
        Conv(window: window, group: layer.group), name: "n", inputs: inputs, output: "y")
    let z = graph.addNode(Relu(), name: "relu", inputs: [y], output: "z")
    graph.addOutput(z)
    let feed = [x: tensor(layer.input)]
    func run(_ options: Session.Options) throws -> [Float] {
      let session = try Session(graph: graph, options: options)
      return try #require(try session.run(feed, fetch: [z])[z]).elements(of: Float.self)
    }
    func reproducible(_ threads: Int) throws -> [Float] {
      try Parallelism.$threadCountOfTask.withValue(threads) {
        try run(.init(isReproducible: true))
      }
    }
    let alone = try reproducible(1)
    for threads in [2, 3, 7] {
      let several = try reproducible(threads)
      #expect(several == alone, "\(threads) threads")
    }
    #expect(alone.contains { $0 != 0 })
    expectClose(alone, try run(.init()), 1e-5)
  }
}
