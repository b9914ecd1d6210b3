import GraphIR
import TensorCore
import TestSupport
import Testing

@testable import Verification

extension BiasProofTests {
  /// A layer of two channels and two products a sum, the shape of its output, and which axis numbers the channels.
  struct Layer: Sendable, CustomTestStringConvertible {
    var type: String
    var output: [Int]
    var channelAxis: Int
    var weightFirst = false
    /// Whether the weight has a batch of its own, so that its channels are those of all batches.
    var isBatched = false
    var isVector = false
    /// Whether this is the convolution of QONNX whose channels are the last axis.
    var isChannelsLast = false

    var testDescription: String {
      "\(type) \(output)\(weightFirst ? " weight first" : "")\(isChannelsLast ? " last" : "")"
    }
    /// One entry for each of the verifier's channels: the indices that the output has there.
    var channels: [[(axis: Int, index: Int)]] {
      isBatched
        ? [0, 1].flatMap { batch in [0, 1].map { [(0, batch), (channelAxis, $0)] } }
        : [0, 1].map { [(channelAxis, $0)] }
    }
  }

  static let layers: [Layer] = [
    Layer(type: "MatMul", output: [2, 2], channelAxis: 1),
    Layer(type: "MatMul", output: [2, 2, 2], channelAxis: 2),
    Layer(type: "MatMul", output: [2, 2, 2], channelAxis: 2, isBatched: true),
    Layer(type: "MatMul", output: [2, 2], channelAxis: 0, weightFirst: true),
    Layer(type: "MatMul", output: [2], channelAxis: 0, weightFirst: true, isVector: true),
    Layer(type: "Gemm", output: [2, 2], channelAxis: 1),
    Layer(type: "Gemm", output: [2, 2], channelAxis: 0, weightFirst: true),
    Layer(type: "Conv", output: [2, 2, 1, 2], channelAxis: 1),
    Layer(type: "Conv", output: [2, 1, 2, 2], channelAxis: 3, isChannelsLast: true),
    Layer(type: "ConvTranspose", output: [2, 2, 1, 2], channelAxis: 1),
    Layer(type: "MatMulInteger", output: [2, 2], channelAxis: 1),
    Layer(type: "ConvInteger", output: [2, 2, 1, 2], channelAxis: 1),
  ]

  static let weights = [[3, -2], [-1, 0]]
  static let inputs = -1...2

  /// The layer's output in a graph, in steps of `weightScale * inputScale`.
  static func build(
    _ builder: inout GraphBuilder, _ layer: Layer, inputScale: Float, weightScale: Float,
    operand: ValueID? = nil, attributes: [Attribute] = []
  ) -> ValueID {
    let isInteger = layer.type.hasSuffix("Integer")
    let isConv = layer.type.hasPrefix("Conv")
    let shape: [Int] =
      layer.isVector
      ? [2]
      : isConv ? layer.output : layer.weightFirst ? [2, 2] : Array(layer.output.dropLast()) + [2]
    let x: ValueID
    if isInteger {
      let codes = builder.input("x", TensorType(.int8, shape: shape))
      x = builder.node(
        "Clip",
        [codes, builder.constant(of: [Int8(-1)], []), builder.constant(of: [Int8(2)], [])],
        name: "clip")
    } else {
      let quantized = builder.quant(
        builder.input("x", TensorType(.float32, shape: shape)), scale: inputScale, bits: 3,
        signed: true)
      let limits = [-1 * inputScale, 2 * inputScale].sorted()
      x = builder.node(
        "Clip", [quantized, builder.constant([limits[0]], []), builder.constant([limits[1]], [])],
        name: "clip")
    }
    // Channel by channel; the layouts that have them last are transposed.
    let byColumns =
      ["MatMul", "MatMulInteger", "ConvTranspose"].contains(layer.type)
      && !layer.weightFirst || layer.type == "Gemm" && !layer.weightFirst
    let rows = byColumns ? [[3, -1], [-2, 0]] : weights
    var numbers = rows.flatMap { $0 }
    var weightShape = isConv ? layer.isChannelsLast ? [2, 1, 1, 2] : [2, 2, 1, 1] : [2, 2]
    if layer.isBatched {
      numbers += numbers
      weightShape = [2, 2, 2]
    }
    let w: ValueID
    if isInteger {
      w = builder.constant(of: numbers.map { Int8($0) }, weightShape, name: "w")
    } else {
      w = builder.quant(
        builder.constant(numbers.map { Float($0) * weightScale }, weightShape, name: "w"),
        scale: weightScale, bits: 3, signed: true)
    }
    return builder.node(
      layer.type, (layer.weightFirst ? [w, x] : [x, w]) + (operand.map { [$0] } ?? []), attributes,
      domain: layer.isChannelsLast ? "qonnx.custom_op.channels_last" : "", name: "layer")
  }

  /// The least and the greatest partial sum of a channel's products over all inputs and orders.
  static func products(_ weights: [Int]) -> (low: Int, high: Int) {
    BruteForceTests.extremes(weights, inputs)
  }

  /// What a constant of integers adds in each of the verifier's channels, by enumeration of the output's places.
  static func bounds(_ layer: Layer, _ values: [Int], _ shape: [Int]) -> [ClosedRange<Int>] {
    let dense = Dense(.int32, shape, values.map { Double($0) })
    guard let all = Standard.expand(dense, layer.output), all.shape == layer.output else {
      return []
    }
    let places = Dense.indices(layer.output)
    return layer.channels.map { channel in
      let own = places.indices.filter { place in
        channel.allSatisfy { places[place][$0.axis] == $0.index }
      }.map { all.integers[$0] }
      return (own.min() ?? 0)...(own.max() ?? 0)
    }
  }

  /// The summand's shapes that leave the layer's output as it is.
  static func shapes(_ layer: Layer) -> [[Int]] {
    (0...layer.output.count).flatMap { rank in
      let own = Array(layer.output.suffix(rank))
      return Dense.indices(own.map { _ in 2 }).map { choice in
        zip(own, choice).map { $1 == 0 ? 1 : $0 }
      }
    }
  }

  static func values(_ shape: [Int]) -> [Int] {
    (0..<shape.reduce(1, *)).map { [9, -4, 2, -13, 30, 1, -6, 17][$0 % 8] }
  }

  /// Integers as an integer tensor, or as a quantized one of a step.
  static func constant(
    _ builder: inout GraphBuilder, _ layer: Layer, _ values: [Int], _ shape: [Int], step: Float
  ) -> ValueID {
    if layer.type.hasSuffix("Integer") {
      return builder.constant(of: values.map { Int32($0) }, shape, name: "b")
    }
    return builder.quant(
      builder.constant(values.map { Float($0) * step }, shape, name: "b"), scale: step, bits: 8,
      signed: true)
  }

  /// Compares a layer's channels with what was enumerated.
  ///
  /// - Parameter isExact: whether the bounds are the least ones; otherwise they may be wider.
  static func expect(
    _ builder: GraphBuilder, _ layer: Layer, _ added: [ClosedRange<Int>], isExact: Bool,
    _ what: String
  ) throws {
    let analysis = try builder.layer()
    #expect(analysis.obstacle == nil, "\(what): \(analysis.obstacle.map { "\($0)" } ?? "")")
    #expect(analysis.channels.count == added.count, "\(what)")
    for (channel, bounds) in analysis.channels.enumerated() where channel < added.count {
      let products = products(weights[channel % 2])
      let high = Int128(products.high + max(added[channel].upperBound, 0))
      let low = Int128(products.low + min(added[channel].lowerBound, 0))
      if isExact {
        #expect(bounds.worstCase.maximum == high && bounds.worstCase.minimum == low, "\(what)")
      } else {
        #expect(bounds.worstCase.maximum >= high && bounds.worstCase.minimum <= low, "\(what)")
      }
    }
  }
}
