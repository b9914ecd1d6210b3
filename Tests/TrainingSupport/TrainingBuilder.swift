import AccumulatorBounds
import Execution
import GraphIR
import Operators
import Quantizers
import TensorCore
import TestSupport
import Testing

/// Builds graphs for training over random tensors.
package struct TrainingBuilder {
  package var graph = Graph(name: "training")
  package var trained: [ValueID: Tensor] = [:]
  package var updated: [ValueID: Tensor] = [:]
  package var random = SplitMix(seed: 5)

  package init() {}

  package mutating func tensor(_ shape: [Int], _ range: ClosedRange<Float> = -1...1) -> Tensor {
    let count = shape.reduce(1, *)
    return Tensor((0..<count).map { _ in Float.random(in: range, using: &random) }, shape: shape)
  }

  /// A constant that training changes.
  package mutating func parameter(_ tensor: Tensor) -> ValueID {
    let value = graph.addConstant(name: "p", tensor)
    trained[value] = tensor
    return value
  }

  package mutating func parameter(_ shape: [Int], _ range: ClosedRange<Float> = -1...1) -> ValueID {
    parameter(tensor(shape, range))
  }

  /// Running statistics, which have no gradient.
  package mutating func statistic(_ shape: [Int], _ range: ClosedRange<Float>) -> ValueID {
    let tensor = tensor(shape, range)
    let value = graph.addConstant(name: "s", tensor)
    updated[value] = tensor
    return value
  }

  package mutating func node(_ op: any Operator, _ inputs: ValueID?...) -> ValueID {
    graph.addNode(op, name: op.type, inputs: inputs, output: op.type)
  }

  /// A convolution with the identity, after which images of 16 channels and more stand in blocks.
  package mutating func blocked(_ value: ValueID, _ channels: Int) -> ValueID {
    var identity = [Float](repeating: 0, count: channels * channels)
    for channel in 0..<channels { identity[channel * channels + channel] = 1 }
    let weight = graph.addConstant(
      name: "identity", Tensor(identity, shape: [channels, channels, 1, 1]))
    return node(Conv(), value, weight)
  }

  package mutating func convolution(
    _ x: ValueID, _ inputs: Int, _ outputs: Int, kernel: Int = 3, hasBias: Bool = false
  ) -> ValueID {
    let weight = parameter([outputs, inputs, kernel, kernel], -0.4...0.4)
    let bias = hasBias ? parameter([outputs]) : nil
    let pad = kernel / 2
    return node(Conv(window: SlidingWindow(pads: [pad, pad, pad, pad])), x, weight, bias)
  }

  package mutating func normalization(_ x: ValueID, _ channels: Int) -> ValueID {
    node(
      BatchNormalization(), x, parameter([channels], 0.5...1.5), parameter([channels]),
      statistic([channels], -0.5...0.5), statistic([channels], 0.5...2))
  }

  /// x on the grid of an activation quantizer, whose statistic is trained.
  package mutating func quantized(_ x: ValueID, _ format: ActivationFormat, statistic: Float)
    -> ValueID
  {
    let p = parameter(Tensor([statistic], shape: [1]))
    return node(PointwiseChain(quantizers: [ChainQuantizer(format)]), x, p)
  }

  /// A weight on its integer grid, plainly rounded to 8 bits.
  package mutating func quantized(weight shape: [Int], _ layout: WeightLayout) throws -> ValueID {
    let quantizer = UnconstrainedQuantizer(try Self.layer(layout))
    let weight = tensor(shape)
    let scales = try quantizer.initialized(layout.gather(weight), .clamp).parameters.log2Scale
    let d = parameter(Tensor(scales, shape: [scales.count]))
    return node(FakeQuantizedWeight(quantizer, layout: layout), parameter(weight), d)
  }

  package static func layer(_ layout: WeightLayout, bits: Int = 8) throws -> WeightLayer {
    let input = try #require(IntegerRange(bits: 8, signed: false))
    let accumulator = try #require(AccumulatorRange(bits: 16))
    let budget = try #require(AccumulatorBudget(input: input, accumulator: accumulator))
    return WeightLayer(
      channels: layout.channelCount, length: layout.dotLength, bits: bits, budget: budget)
  }

  /// The check of the gradients of a value.
  package mutating func check(_ output: ValueID, _ options: KernelOptions = KernelOptions()) throws
    -> GradientCheck
  {
    graph.addOutput(output)
    return try GradientCheck(graph, trained: trained, updated: updated, options: options)
  }
}

/// Compares gradients or values with others of the same kind, relative to the largest.
package func expectClose(
  _ actual: [Float], _ expected: [Float], _ tolerance: Float,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(actual.count == expected.count, sourceLocation: sourceLocation)
  let scale = expected.map(\.magnitude).max() ?? 0
  let error = zip(actual, expected).map { $0 == $1 ? 0 : abs($0 - $1) }.max() ?? 0
  #expect(error <= tolerance * scale, "error \(error) of \(scale)", sourceLocation: sourceLocation)
}
