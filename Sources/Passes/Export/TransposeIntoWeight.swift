import GraphIR
import Operators
import TensorCore

/// Absorbs the transposition of an image that is flattened for a matrix product into the order of the weight's rows.
///
///     MatMul(Flatten(Transpose(x)), w)  ->  MatMul(Flatten(x), w with its rows in the order of x)
///
/// 1. Transposition, Flatten or Reshape to (N, K), any number of element-wise operators and quantizers of one scale,
///    and MatMul or Gemm with a constant weight on the right, quantized or not; each read by the next alone.
///
/// The products of each sum are the same in another order, so that what its accumulator needs is too.
package struct TransposeIntoWeight: Pass {
  package static let name = "transpose-into-weight"
  package static let mustFollow: [any Pass.Type] = [ShapeInference.self, ChannelsLastExport.self]

  package init() {}

  package func run(_ graph: inout Graph) throws(PassError) -> [Edit] {
    var edits: [Edit] = []
    for id in graph.nodeIDs where graph.contains(id) {
      guard let (layer, order, shape) = chain(from: id, in: graph) else { continue }
      guard let weight = graph[layer.node].inputs[layer.weightPosition],
        let moved = Self.reordered(weight, along: 1 - layer.channelAxis, shape, order, &graph)
      else { continue }
      graph.setInput(layer.node, layer.weightPosition, to: moved)
      guard case let source?? = graph[id].inputs.first, case let output?? = graph[id].outputs.first
      else { continue }
      graph.remove(id)
      graph.replaceAllUses(of: output, with: source)
      edits.append(Edit(node: layer.name, "weight in the order of channels last"))
    }
    if !edits.isEmpty { graph.removeUnusedValues() }
    return edits
  }

  /// The layer that reads a flattened transposition, with the order and the shape that it makes.
  private func chain(from id: NodeID, in graph: Graph) -> (
    DotProductLayer, order: [Int], shape: [Int]
  )? {
    let node = graph[id]
    guard let transpose = node.op as? Transpose, case let output?? = node.outputs.first,
      let type = graph[output].type, let dimensions = type.dimensions,
      let order = try? transpose.resolvedPermutation(rank: dimensions.count), order.first == 0,
      let flattening = onlyReader(of: output, in: graph),
      flattening.op.movement?.arrangement == .kept,
      case let flat?? = flattening.outputs.first, let rows = graph[flat].type?.dimensions,
      rows.count == 2, rows[0] == dimensions[0]
    else { return nil }
    let shape = dimensions.dropFirst().map(\.size)
    guard !shape.contains(nil) else { return nil }
    var value = flat
    while let reader = onlyReader(of: value, in: graph), reader.inputs.first == value {
      if let layer = Self.layer(reader, in: graph) {
        return (layer, order, shape.compactMap { $0 })
      }
      let isQuantizer =
        reader.quant != nil
        && reader.inputs.dropFirst().allSatisfy { $0.flatMap { graph[$0].constant }?.count == 1 }
      guard reader.op.elementwise == .unary || isQuantizer,
        case let next?? = reader.outputs.first
      else { return nil }
      value = next
    }
    return nil
  }

  /// A product of the rows that a node reads first with a constant matrix, quantized or not.
  private static func layer(_ node: Node, in graph: Graph) -> DotProductLayer? {
    let found = DotProductLayer(node.id, in: graph) {
      (graph[$0].constant ?? graph.quantizedConstant($0))?.shape
    }
    guard let found, found.kind == .matrix, found.dataPosition == 0,
      found.layout.scaleShape.count == 2, node.op.dotProduct?.transposesLeft == false
    else { return nil }
    return found
  }

  private func onlyReader(of value: ValueID, in graph: Graph) -> Node? {
    let readers = graph.consumers(of: value)
    return readers.count == 1 && !graph.isOutput(value) ? graph[readers[0]] : nil
  }

  /// A constant, or a constant behind its quantizer, with the entries of one axis in the order before the
  /// transposition that made `shape`; `nil` for other weights.
  private static func reordered(
    _ weight: ValueID, along axis: Int, _ shape: [Int], _ order: [Int], _ graph: inout Graph
  ) -> ValueID? {
    if let node = graph.producer(of: weight) {
      guard node.quant != nil, let data = node.inputs[0],
        node.inputs.dropFirst().allSatisfy({ isUniform($0, along: axis, graph) }),
        let moved = reordered(data, along: axis, shape, order, &graph)
      else { return nil }
      let result = graph.addNode(
        node.op, name: node.name, inputs: [moved] + node.inputs.dropFirst(),
        output: graph[weight].name + "_reordered", type: graph[weight].type)
      graph[result].annotations = graph[weight].annotations
      return result
    }
    guard let constant = graph[weight].constant, constant.rank == 2,
      constant.shape[axis] == shape.reduce(1, *)
    else { return nil }
    // Axis i of the transposed image is axis order[i] of the image as it comes.
    var back = [Int](repeating: 0, count: shape.count)
    for (position, source) in order.dropFirst().enumerated() { back[source - 1] = position }
    let expanded =
      axis == 0 ? shape + [constant.shape[1]] : [constant.shape[0]] + shape
    let inner = axis == 0 ? back + [shape.count] : [0] + back.map { $0 + 1 }
    guard let tensor = constant.reshaped(expanded)?.moved(inner)?.reshaped(constant.shape) else {
      return nil
    }
    return graph.addConstant(name: graph[weight].name + "_reordered", tensor)
  }

  /// Whether a quantizer's parameter is the same for all entries of one axis of a matrix.
  private static func isUniform(_ value: ValueID?, along axis: Int, _ graph: Graph) -> Bool {
    guard let parameter = value.flatMap({ graph[$0].constant }) else { return false }
    let position = parameter.rank - 2 + axis
    return parameter.count == 1 || position < 0 || parameter.shape[position] == 1
  }
}
