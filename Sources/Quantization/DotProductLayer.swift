import GraphIR
import Operators
import Quantizers
import TensorCore

/// A node that multiplies activations by a constant weight and adds the products up.
struct DotProductLayer: Sendable {
  /// How the output is laid out.
  enum Kind: Sendable, Hashable {
    /// N x C x spatial dimensions.
    case convolution
    /// ... x M x O, or ... x O x N where the constant stands on the left.
    case matrix
  }

  let node: NodeID
  let name: String
  let kind: Kind
  /// Position of the activations among the node's inputs.
  let dataPosition: Int
  /// Position of the weight among the node's inputs.
  let weightPosition: Int
  let layout: WeightLayout
  /// True for a convolution that maps each input channel on its own.
  let isDepthwise: Bool

  /// The layer at a node, or `nil` where the node is none: another operator, or a weight that isn't constant.
  init?(_ id: NodeID, in graph: Graph) {
    let node = graph[id]
    func constant(_ position: Int) -> Tensor? {
      guard position < node.inputs.count, let value = node.inputs[position] else { return nil }
      return graph[value].constant
    }
    self.node = id
    name = node.name
    if let convolution = node.op as? Conv {
      guard let weight = constant(1), weight.rank >= 3, weight.count > 0 else { return nil }
      let inner = weight.shape[1...].reduce(1, *)
      kind = .convolution
      layout = WeightLayout(
        batch: 1, rows: 1, columns: weight.shape[0], depth: inner,
        scaleShape: Self.broadcastShape(weight, axis: 0))
      isDepthwise = convolution.group > 1 && weight.shape[1] == 1
      (dataPosition, weightPosition) = (0, 1)
    } else if let convolution = node.op as? ConvTranspose {
      guard let weight = constant(1), weight.rank >= 3, weight.count > 0 else { return nil }
      let groups = convolution.group
      kind = .convolution
      guard groups > 0, weight.shape[0] % groups == 0 else { return nil }
      var scaleShape = Self.broadcastShape(weight, axis: 1)
      if groups > 1 { scaleShape[0] = weight.shape[0] }
      layout = WeightLayout(
        batch: groups, rows: weight.shape[0] / groups, columns: weight.shape[1],
        depth: weight.shape[2...].reduce(1, *), scaleShape: scaleShape,
        repeatsScalePerRow: groups > 1)
      isDepthwise = groups > 1 && weight.shape[0] == groups
      (dataPosition, weightPosition) = (0, 1)
    } else if let gemm = node.op as? Gemm {
      kind = .matrix
      if constant(0) == nil, let weight = constant(1), weight.rank == 2, weight.count > 0 {
        layout = Self.matrix(weight, channelAxis: gemm.transposesB ? 0 : 1)
        (dataPosition, weightPosition) = (0, 1)
      } else if constant(1) == nil, let weight = constant(0), weight.rank == 2, weight.count > 0 {
        layout = Self.matrix(weight, channelAxis: gemm.transposesA ? 1 : 0)
        (dataPosition, weightPosition) = (1, 0)
      } else {
        return nil
      }
      isDepthwise = false
    } else if node.op.dotProduct == .matMul {
      kind = .matrix
      if constant(0) == nil, let weight = constant(1), weight.rank >= 2, weight.count > 0 {
        layout = Self.matrix(weight, channelAxis: weight.rank - 1)
        (dataPosition, weightPosition) = (0, 1)
      } else if constant(1) == nil, let weight = constant(0), weight.rank >= 2, weight.count > 0 {
        layout = Self.matrix(weight, channelAxis: weight.rank - 2)
        (dataPosition, weightPosition) = (1, 0)
      } else {
        return nil
      }
      isDepthwise = false
    } else {
      return nil
    }
  }

  /// All layers of a graph in topological order.
  static func all(in graph: Graph) throws(GraphError) -> [DotProductLayer] {
    try graph.topologicalOrder().compactMap { DotProductLayer($0, in: graph) }
  }

  /// The value that carries the layer's activations.
  func data(in graph: Graph) -> ValueID? { graph[node].inputs[dataPosition] }

  /// The layer's weight as float32 in the graph's layout.
  func weight(in graph: Graph) -> Tensor? {
    graph[node].inputs[weightPosition].flatMap { graph[$0].constant }?.convertedToFloat()
  }

  /// The value that the layer computes.
  func output(in graph: Graph) -> ValueID? { graph[node].outputs[0] }

  /// The dimension of the output that counts channels, from the end where negative.
  var outputAxis: Int {
    switch kind {
    case .convolution: 1
    case .matrix: dataPosition == 0 ? -1 : -2
    }
  }

  /// The shape of a constant of one number a channel that the node itself can add.
  var biasShape: [Int] {
    dataPosition == 0 ? [layout.channelCount] : [layout.channelCount, 1]
  }

  /// The constant that the node itself adds to each channel, `nil` where it adds none.
  func bias(in graph: Graph) -> [Float]? {
    let node = graph[self.node]
    guard node.inputs.count > 2, let value = node.inputs[2],
      let tensor = graph[value].constant?.convertedToFloat()
    else { return nil }
    let beta = (node.op as? Gemm)?.beta ?? 1
    let elements = tensor.elements(of: Float.self)
    if elements.count == 1 {
      return [Float](repeating: elements[0] * beta, count: layout.channelCount)
    }
    return varies(tensor.shape) ? elements.map { $0 * beta } : nil
  }

  /// Whether a constant that the node adds has one number a channel.
  func varies(_ shape: [Int]) -> Bool {
    shape == biasShape || dataPosition == 0 && shape == [1, layout.channelCount]
  }

  /// A (batched) matrix whose channels run along one of its last two axes.
  private static func matrix(_ weight: Tensor, channelAxis: Int) -> WeightLayout {
    let rank = weight.rank
    var scaleShape = weight.shape
    let isLast = channelAxis == rank - 1
    scaleShape[isLast ? rank - 2 : rank - 1] = 1
    return WeightLayout(
      batch: weight.shape[..<(rank - 2)].reduce(1, *),
      rows: isLast ? weight.shape[rank - 2] : 1,
      columns: weight.shape[channelAxis],
      depth: isLast ? 1 : weight.shape[rank - 1],
      scaleShape: scaleShape)
  }

  private static func broadcastShape(_ weight: Tensor, axis: Int) -> [Int] {
    var shape = [Int](repeating: 1, count: weight.rank)
    shape[axis] = weight.shape[axis]
    return shape
  }
}
