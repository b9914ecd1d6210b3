import GraphIR
import Operators
import TensorCore

/// Two computations between which a positive factor a channel can move without changing the function: what
/// the first gives for a channel is divided by it, what the second makes of that channel multiplied.
///
/// The first is a dot-product layer or a batch normalisation, the second a dot-product layer. Between them stand
/// only operators that commute with a positive factor a channel: ReLU, LeakyRelu, maximum and average pooling,
/// constants added to the channels of a matrix product, and what moves values. Every value on the way has one
/// reader and is no output of the graph, so that nothing else sees the factor.
struct EqualizationPair: Sendable {
  enum Source: Sendable {
    case layer(DotProductLayer)
    case normalization(NodeID)
  }

  /// A constant that an Add on the way adds to each channel.
  struct Summand: Sendable {
    var node: NodeID
    var position: Int
  }

  let source: Source
  let target: DotProductLayer
  let summands: [Summand]
  let channels: Int
  /// The value whose quantizer the factors serve, and its dimension that counts channels, from the end where
  /// negative.
  let activations: ValueID
  let activationAxis: Int
  /// Input channel of the element at position p of the weights of output channel c, at c * K + p.
  private let inputChannels: InputChannels

  /// The pair that ends in a layer, or `nil` where none does.
  init?(target: DotProductLayer, in graph: Graph) {
    guard let data = target.data(in: graph),
      var walk = Walk(target, data: data, in: graph)
    else { return nil }
    while let next = walk.step(in: graph) {
      guard let source = next.source else { continue }
      self.source = source
      self.target = target
      summands = walk.summands
      channels = walk.channels
      activations = walk.activations
      activationAxis = walk.activationAxis
      inputChannels = walk.inputChannels
      return
    }
    return nil
  }

  /// All pairs of a graph, in the order of their second layers.
  static func all(in graph: Graph) throws(GraphError) -> [EqualizationPair] {
    try DotProductLayer.all(in: graph).compactMap { EqualizationPair(target: $0, in: graph) }
  }

  /// Whether each output channel of the second layer reads one input channel alone, so that its scale takes
  /// the factor up.
  var targetIsDepthwise: Bool { target.isDepthwise }

  /// The input channel that each weight of the second layer multiplies, in the order channels x K.
  func inputChannel(_ outputChannel: Int, _ position: Int) -> Int {
    inputChannels.index(outputChannel, position)
  }
}

extension EqualizationPair {
  /// Divides what the first computation gives by the factors and multiplies the second one's weights.
  ///
  /// - Parameter factors: positive, one a channel.
  func apply(_ factors: [Float], to graph: inout Graph) {
    switch source {
    case .normalization(let node):
      divide(node, 1, by: factors, in: &graph)
      divide(node, 2, by: factors, in: &graph)
    case .layer(let layer):
      if let weight = layer.weight(in: graph) {
        let k = layer.layout.dotLength
        var values = layer.layout.gather(weight)
        for index in values.indices { values[index] /= factors[index / k] }
        graph.setOwnConstant(
          layer.node, layer.weightPosition, layer.layout.scatter(values, shape: weight.shape))
      }
      if graph[layer.node].inputs.count > 2 { divide(layer.node, 2, by: factors, in: &graph) }
    }
    for summand in summands { divide(summand.node, summand.position, by: factors, in: &graph) }
    if let weight = target.weight(in: graph) {
      let k = target.layout.dotLength
      var values = target.layout.gather(weight)
      for index in values.indices { values[index] *= factors[inputChannel(index / k, index % k)] }
      graph.setOwnConstant(
        target.node, target.weightPosition, target.layout.scatter(values, shape: weight.shape))
    }
  }

  /// Divides a constant of one element a channel.
  private func divide(
    _ node: NodeID, _ position: Int, by factors: [Float], in graph: inout Graph
  ) {
    guard let value = graph[node].inputs[position],
      let tensor = graph[value].constant?.convertedToFloat(), tensor.count == factors.count
    else { return }
    let divided = zip(tensor.elements(of: Float.self), factors).map { $0 / $1 }
    graph.setOwnConstant(node, position, Tensor(divided, shape: tensor.shape))
  }
}

/// Which input channel a weight multiplies.
private struct InputChannels: Sendable {
  /// Output channels and input channels of one group.
  var outputs: Int
  var inputs: Int
  /// Neighbouring positions of a row that belong to one input channel.
  var depth: Int

  func index(_ outputChannel: Int, _ position: Int) -> Int {
    outputChannel / outputs * inputs + position / depth
  }
}

/// A way upward from a layer's activations.
private struct Walk {
  var summands: [EqualizationPair.Summand] = []
  private(set) var channels: Int
  private(set) var activations: ValueID
  private(set) var activationAxis: Int
  private(set) var inputChannels: InputChannels
  private var value: ValueID
  /// Whether only operators that move or select values have been passed.
  private var isBelowQuantizer = true

  /// What a step upward has come to.
  struct Step {
    /// `nil` where the way goes on.
    var source: EqualizationPair.Source?
  }

  init?(_ target: DotProductLayer, data: ValueID, in graph: Graph) {
    guard
      let weight = graph[target.node].inputs[target.weightPosition].flatMap({
        graph[$0].constant
      })
    else { return nil }
    let layout = target.layout
    guard let form = graph[target.node].op.dotProduct else { return nil }
    switch form.kind {
    case .convolution:
      guard form.groups > 0, layout.columns % form.groups == 0 else { return nil }
      inputChannels = InputChannels(
        outputs: layout.columns / form.groups, inputs: weight.shape[1],
        depth: weight.shape[2...].reduce(1, *))
      channels = form.groups * weight.shape[1]
      activationAxis = 1
    case .transposedConvolution:
      inputChannels = InputChannels(
        outputs: layout.columns, inputs: layout.rows, depth: layout.depth)
      channels = layout.batch * layout.rows
      activationAxis = 1
    case .gemm, .matMul:
      guard layout.batch == 1, target.dataPosition == 0, !form.transposesLeft else { return nil }
      inputChannels = InputChannels(outputs: layout.columns, inputs: layout.dotLength, depth: 1)
      channels = layout.dotLength
      activationAxis = -1
    }
    guard channels > 0, inputChannels.outputs > 0, inputChannels.depth > 0 else { return nil }
    value = data
    activations = data
  }

  /// Goes past the operator that computes the present value, or ends there; `nil` where there is no way.
  mutating func step(in graph: Graph) -> Step? {
    guard graph.consumers(of: value).count == 1, !graph.isOutput(value),
      let node = graph.producer(of: value), node.outputs[0] == value,
      node.outputs.dropFirst().allSatisfy({ $0 == nil })
    else { return nil }
    switch node.op {
    case let op where op.isHomogeneous:
      if op.movement == nil { isBelowQuantizer = false }
      return pass(node, in: graph)
    case let op where op.movement?.arrangement == .kept:
      guard flatten(node, in: graph) else { return nil }
      return pass(node, in: graph)
    case let op where op.elementwise == .sum:
      return passSum(node, in: graph)
    case let op where op.channelNormalization != nil:
      guard activationAxis == 1 || graph[value].type?.rank == 2,
        node.inputs.count == 5,
        (1...4).allSatisfy({ isVector(node, $0, in: graph) })
      else { return nil }
      return Step(source: .normalization(node.id))
    default:
      guard let layer = DotProductLayer(node.id, in: graph), ends(layer, in: graph) else {
        return nil
      }
      return Step(source: .layer(layer))
    }
  }

  private mutating func pass(_ node: Node, in graph: Graph) -> Step? {
    guard let input = node.inputs[0], graph[input].constant == nil else { return nil }
    value = input
    if isBelowQuantizer { activations = input }
    return Step()
  }

  /// From the columns of a matrix to the channels of an image, each of which became neighbouring columns.
  private mutating func flatten(_ node: Node, in graph: Graph) -> Bool {
    guard activationAxis == -1, isBelowQuantizer, let input = node.inputs.first.flatMap({ $0 }),
      let before = graph[input].type?.dimensions, before.count > 2,
      let after = graph[value].type?.dimensions, after.count == 2,
      let count = before[1].size, count > 0, after[1].size == channels, channels % count == 0,
      before[2...].reduce(1, { $0 * ($1.size ?? 0) }) == channels / count
    else { return false }
    inputChannels.depth = channels / count
    channels = count
    activationAxis = 1
    return true
  }

  private mutating func passSum(_ node: Node, in graph: Graph) -> Step? {
    guard activationAxis == -1,
      let position = node.inputs.firstIndex(where: { $0.flatMap { graph[$0].constant } != nil }),
      let constant = node.inputs[position].flatMap({ graph[$0].constant }),
      constant.shape.last == channels, isVector(node, position, in: graph),
      let input = node.inputs[1 - position], graph[input].constant == nil
    else { return nil }
    summands.append(EqualizationPair.Summand(node: node.id, position: position))
    value = input
    isBelowQuantizer = false
    return Step()
  }

  /// Whether a layer's output channels are the channels of this way, and its constants can be divided.
  private func ends(_ layer: DotProductLayer, in graph: Graph) -> Bool {
    let axis = layer.kind == .convolution ? 1 : -1
    guard layer.layout.channelCount == channels, axis == activationAxis, layer.dataPosition == 0,
      layer.kind == .convolution || layer.layout.batch == 1
    else { return false }
    let node = graph[layer.node]
    guard node.inputs.count > 2, let bias = node.inputs[2] else { return true }
    return isVector(node, 2, in: graph) && graph[bias].constant?.shape.last == channels
  }

  /// Whether an input is a constant with one element a channel.
  private func isVector(_ node: Node, _ position: Int, in graph: Graph) -> Bool {
    guard let tensor = node.inputs[position].flatMap({ graph[$0].constant }),
      tensor.elementType == .float32
    else { return false }
    return tensor.count == channels
  }
}
