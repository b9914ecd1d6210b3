import DNNEngine
import GraphIR
import TensorCore
import TestSupport
import Testing

@testable import Execution
@testable import Operators

/// Quantized graphs run on integers against the same graphs run on floats.
@Suite struct IntegerSessionTests {
  /// A residual network of quantized convolutions with normalisations between them.
  struct Network {
    var graph = Graph(name: "quantized")
    var random = SplitMix(seed: 11)
    let input: ValueID
    private let zero: ValueID
    private let width: ValueID

    let channels: Int

    init(bits: Int, channels: Int = 3) {
      self.channels = channels
      input = graph.addInput(
        name: "x",
        type: TensorType(.float32, [.symbolic("n"), .fixed(channels), .fixed(12), .fixed(10)]))
      zero = graph.addConstant(name: "zero", Tensor(scalar: Float(0)))
      width = graph.addConstant(name: "bits", Tensor(scalar: Float(bits)))
    }

    mutating func tensor(_ shape: [Int], _ range: ClosedRange<Float>) -> Tensor {
      let count = shape.reduce(1, *)
      return Tensor(
        (0..<count).map { _ in Float.random(in: range, using: &random) }, shape: shape)
    }

    mutating func node(_ op: any Operator, _ inputs: [ValueID?]) -> ValueID {
      graph.addNode(op, name: op.type, inputs: inputs, output: op.type)
    }

    mutating func quantizer(_ x: ValueID, scale: Float, signed: Bool) -> ValueID {
      let step = graph.addConstant(name: "step", Tensor(scalar: scale))
      return node(Quant(isSigned: signed, isNarrow: false), [x, step, zero, width])
    }

    mutating func convolution(
      _ x: ValueID, _ inputs: Int, _ outputs: Int, group: Int = 1, hasBias: Bool = false
    ) -> ValueID {
      let shape = [outputs, inputs / group, 3, 3]
      let scales = tensor([outputs, 1, 1, 1], 0.01...0.03)
      var weights: [Float] = []
      for scale in scales.elements(of: Float.self) {
        for _ in 0..<shape[1...].reduce(1, *) {
          weights.append(Float(Int.random(in: -7...7, using: &random)) * scale)
        }
      }
      let weight = graph.addConstant(name: "w", Tensor(weights, shape: shape))
      let step = graph.addConstant(name: "ws", scales)
      let quantized = node(Quant(isSigned: true, isNarrow: true), [weight, step, zero, width])
      let bias =
        hasBias ? graph.addConstant(name: "b", tensor([outputs], -0.2...0.2)) : nil
      return node(
        Conv(window: SlidingWindow(pads: [1, 1, 1, 1]), group: group), [x, quantized, bias])
    }

    mutating func normalization(_ x: ValueID, _ channels: Int) -> ValueID {
      let constants = [0.5...1.5, -0.5...0.5, -0.2...0.2, 0.5...2].map {
        graph.addConstant(name: "p", tensor([channels], $0))
      }
      return node(BatchNormalization(), [x] + constants)
    }

    /// Stem, a block with a shortcut and a depthwise layer, mean over positions.
    mutating func build() {
      let first = quantizer(input, scale: 0.15, signed: true)
      let stem = node(Relu(), [normalization(convolution(first, channels, 16, hasBias: true), 16)])
      let left = quantizer(stem, scale: 0.1, signed: true)
      let inner = quantizer(stem, scale: 0.08, signed: false)
      let deep = normalization(convolution(inner, 16, 16, group: 16), 16)
      let right = quantizer(deep, scale: 0.1, signed: true)
      let sum = node(Relu(), [node(Add(), [left, right])])
      let last = convolution(quantizer(sum, scale: 0.12, signed: false), 16, 10)
      graph.addOutput(node(GlobalAveragePool(), [last]))
    }
  }

  @Test(
    .enabled(if: (try? Engine.shared())?.addsIntegersExactly ?? false, "needs VNNI or AMX"),
    arguments: [4, 8], [1, 3])
  func `a quantized network gives on integers what it gives on floats`(bits: Int, channels: Int)
    throws
  {
    // A layer of one channel has no integer product in oneDNN, and reads floats among the integers.
    var network = Network(bits: bits, channels: channels)
    network.build()
    let integers = try #require(IntegerSession(graph: network.graph))
    let floats = try Session(graph: network.graph)
    for samples in [1, 3, 3] {
      let x = network.tensor([samples, channels, 12, 10], -1...1)
      let output = network.graph.outputs[0]
      let expected = try #require(
        try floats.run([network.input: x], fetch: [output])[output]
      ).elements(of: Float.self)
      let result = try integers.run([network.input: x])
      #expect(result.shape == [samples, 10, 1, 1])
      let largest = expected.map(abs).max() ?? 0
      #expect(largest > 0)
      for (actual, expected) in zip(result.elements(of: Float.self), expected) {
        // One activation on the other side of a tie moves a mean over 120 positions by less.
        #expect(abs(actual - expected) <= 1e-3 * largest)
      }
    }
  }

  @Test func `a float network has no integers to run on`() {
    var network = Network(bits: 8)
    let weight = network.graph.addConstant(name: "w", network.tensor([4, 3, 3, 3], -1...1))
    network.graph.addOutput(network.node(Conv(), [network.input, weight]))
    #expect(IntegerSession(graph: network.graph) == nil)
  }

  @Test func `a weight with a zero point stays among the floats`() {
    var network = Network(bits: 8)
    let data = network.quantizer(network.input, scale: 0.1, signed: true)
    let weight = network.graph.addConstant(name: "w", network.tensor([4, 3, 3, 3], -1...1))
    let step = network.graph.addConstant(name: "s", Tensor(scalar: Float(0.1)))
    let three = network.graph.addConstant(name: "z", Tensor(scalar: Float(3)))
    let bits = network.graph.addConstant(name: "b", Tensor(scalar: Float(8)))
    let quantized = network.node(
      Quant(isSigned: true, isNarrow: true), [weight, step, three, bits])
    network.graph.addOutput(network.node(Conv(), [data, quantized]))
    #expect(IntegerSession(graph: network.graph) == nil)
  }
}
