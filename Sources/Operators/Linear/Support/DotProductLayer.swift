import GraphIR
import Quantizers
import TensorCore

/// A node that multiplies activations by a constant weight and adds the products up: the one place that says where such
/// a layer has its data, its weight and its channels, for passes, placement and calibration alike.
///
/// It holds positions and shapes, which rewriting a weight keeps, and asks the graph for everything else.
package struct DotProductLayer: Sendable {
  /// How the output is laid out.
  package enum Kind: Sendable, Hashable {
    /// N x C x spatial dimensions.
    case convolution
    /// ... x M x O, or ... x O x N where the constant stands on the left.
    case matrix
  }

  package let node: NodeID
  package let name: String
  package let kind: Kind
  /// Position of the activations among the node's inputs.
  package let dataPosition: Int
  /// Position of the weight among the node's inputs.
  package let weightPosition: Int
  /// The dimension of the weight that counts output channels, within each group of a transposed convolution.
  package let channelAxis: Int
  package let layout: WeightLayout
  /// True for a convolution that maps each input channel on its own.
  package let isDepthwise: Bool

  /// The layer at a node, or `nil` where the node is none: another operator, or a weight that isn't constant.
  package init?(_ id: NodeID, in graph: Graph) {
    self.init(id, in: graph) { graph[$0].constant?.shape }
  }

  /// The layer at a node whose weight may stand behind a quantizer.
  ///
  /// - Parameter weightShape: the shape of a value that is a weight as the caller takes weights; `nil` for others.
  package init?(_ id: NodeID, in graph: Graph, weightShape: (ValueID) -> [Int]?) {
    let node = graph[id]
    guard let form = node.op.dotProduct else { return nil }
    func weight(_ position: Int) -> [Int]? {
      guard position < node.inputs.count, let value = node.inputs[position] else { return nil }
      return weightShape(value)
    }
    self.node = id
    name = node.name
    switch form.kind {
    case .convolution:
      guard let shape = weight(1), shape.count >= 3, !shape.contains(0) else { return nil }
      kind = .convolution
      channelAxis = 0
      layout = WeightLayout(
        batch: 1, rows: 1, columns: shape[0], depth: shape[1...].reduce(1, *),
        scaleShape: Self.broadcastShape(shape, axis: 0))
      isDepthwise = form.groups > 1 && shape[1] == 1
      weightPosition = 1
    case .transposedConvolution:
      let groups = form.groups
      guard let shape = weight(1), shape.count >= 3, !shape.contains(0), groups > 0,
        shape[0] % groups == 0
      else { return nil }
      kind = .convolution
      channelAxis = 1
      var scaleShape = Self.broadcastShape(shape, axis: 1)
      if groups > 1 { scaleShape[0] = shape[0] }
      layout = WeightLayout(
        batch: groups, rows: shape[0] / groups, columns: shape[1],
        depth: shape[2...].reduce(1, *), scaleShape: scaleShape,
        repeatsScalePerRow: groups > 1)
      isDepthwise = groups > 1 && shape[0] == groups
      weightPosition = 1
    case .gemm, .matMul:
      let shape: [Int]
      switch (weight(0), weight(1)) {
      case (nil, let right?): (shape, weightPosition) = (right, 1)
      case (let left?, nil): (shape, weightPosition) = (left, 0)
      default: return nil
      }
      guard form.kind == .gemm ? shape.count == 2 : shape.count >= 2, !shape.contains(0) else {
        return nil
      }
      kind = .matrix
      let isTransposed = weightPosition == 0 ? form.transposesLeft : form.transposesRight
      channelAxis = shape.count - ((weightPosition == 1) != isTransposed ? 1 : 2)
      layout = Self.matrix(shape, channelAxis: channelAxis)
      isDepthwise = false
    }
    dataPosition = 1 - weightPosition
  }

  /// All layers of a graph in topological order.
  package static func all(in graph: Graph) throws(GraphError) -> [DotProductLayer] {
    try graph.topologicalOrder().compactMap { DotProductLayer($0, in: graph) }
  }

  /// The value that carries the layer's activations.
  package func data(in graph: Graph) -> ValueID? { graph[node].inputs[dataPosition] }

  /// The layer's weight as float32 in the graph's layout.
  package func weight(in graph: Graph) -> Tensor? {
    graph[node].inputs[weightPosition].flatMap { graph[$0].constant }?.convertedToFloat()
  }

  /// The value that the layer computes.
  package func output(in graph: Graph) -> ValueID? { graph[node].outputs[0] }

  /// The dimension of the output that counts channels, from the end where negative.
  package var outputAxis: Int {
    switch kind {
    case .convolution: 1
    case .matrix: dataPosition == 0 ? -1 : -2
    }
  }

  /// The shape of a constant of one number a channel that the node itself can add.
  package var biasShape: [Int] {
    dataPosition == 0 ? [layout.channelCount] : [layout.channelCount, 1]
  }

  /// The constant that the node itself adds to each channel, `nil` where it adds none.
  package func bias(in graph: Graph) -> [Float]? {
    let node = graph[self.node]
    guard node.inputs.count > 2, let value = node.inputs[2],
      let tensor = graph[value].constant?.convertedToFloat()
    else { return nil }
    let beta = node.op.dotProduct?.beta ?? 1
    let elements = tensor.elements(of: Float.self)
    if elements.count == 1 {
      return [Float](repeating: elements[0] * beta, count: layout.channelCount)
    }
    return varies(tensor.shape) ? elements.map { $0 * beta } : nil
  }

  /// The addition that alone reads the output, and the position there of what it adds to the layer's sums.
  package func addition(in graph: Graph) -> (node: NodeID, position: Int)? {
    guard case let output?? = graph[node].outputs.first, !graph.isOutput(output) else { return nil }
    let readers = graph.consumers(of: output)
    guard readers.count == 1, graph[readers[0]].op.elementwise == .sum,
      let position = graph[readers[0]].inputs.firstIndex(where: { $0 != output })
    else { return nil }
    return (readers[0], position)
  }

  /// Whether a constant that the node adds has one number a channel.
  package func varies(_ shape: [Int]) -> Bool {
    shape == biasShape || dataPosition == 0 && shape == [1, layout.channelCount]
  }

  /// A (batched) matrix whose channels run along one of its last two axes.
  private static func matrix(_ shape: [Int], channelAxis: Int) -> WeightLayout {
    let rank = shape.count
    var scaleShape = shape
    let isLast = channelAxis == rank - 1
    scaleShape[isLast ? rank - 2 : rank - 1] = 1
    return WeightLayout(
      batch: shape[..<(rank - 2)].reduce(1, *),
      rows: isLast ? shape[rank - 2] : 1,
      columns: shape[channelAxis],
      depth: isLast ? 1 : shape[rank - 1],
      scaleShape: scaleShape)
  }

  private static func broadcastShape(_ weight: [Int], axis: Int) -> [Int] {
    var shape = [Int](repeating: 1, count: weight.count)
    shape[axis] = weight[axis]
    return shape
  }
}
