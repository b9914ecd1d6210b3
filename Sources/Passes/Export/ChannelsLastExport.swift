import GraphIR
import Operators
import TensorCore

/// Writes convolutions, maximum pooling and normalisation as QONNX's channels-last operators, as its conversion
/// for hls4ml does.
///
///     Conv(x, w)  ->  Transpose(channels_last.Conv(Transpose(x), transposed w))
///
/// 1. Conv, MaxPool and BatchNormalization of three or four axes become operators of the domain
///    `qonnx.custom_op.channels_last` with all attributes written, padding as numbers.
/// 2. Transpositions that undo each other go; graph inputs and outputs are turned to channels last where fewer
///    remain then.
///
/// Other operators that know of channels keep their order of axes, between transpositions.
package struct ChannelsLastExport: Pass {
  package static let name = "channels-last-export"
  package static let mustFollow: [any Pass.Type] = [ShapeInference.self]

  package init() {}

  package func run(_ graph: inout Graph) throws(PassError) -> [Edit] {
    var edits: [Edit] = []
    for id in graph.nodeIDs {
      guard let op = try replacement(graph[id], in: graph) else { continue }
      edits.append(Edit(node: graph[id].name, "channels last"))
      turn(id, to: op, in: &graph)
    }
    if edits.isEmpty { return [] }
    edits += try TransposeElimination().run(&graph)
    for position in graph.inputs.indices {
      try keepIfShorter(&graph) { Self.turnInput($0.inputs[position], in: &$0) }
    }
    for position in graph.outputs.indices {
      try keepIfShorter(&graph) { Self.turnOutput($0.outputs[position], in: &$0) }
    }
    graph.removeUnusedValues()
    // Readers of the domain know its shapes from the file alone.
    return edits + (try ShapeInference().run(&graph))
  }

  // MARK: Case 1

  /// The channels-last form of a node, `nil` where it has none.
  private func replacement(_ node: Node, in graph: Graph) throws(PassError) -> OpaqueOperator? {
    guard node.op.domain.isEmpty, ChannelsLast.types.contains(node.op.type),
      node.outputs.dropFirst().allSatisfy({ $0 == nil })
    else { return nil }
    let dimensions = node.inputs[0].flatMap { graph[$0].type?.dimensions }
    guard let dimensions else {
      throw .node(
        name: node.name, type: node.op.type,
        .unsupported(what: "channels last without a known number of axes"))
    }
    guard (3...4).contains(dimensions.count) else { return nil }
    var attributes: [Attribute] = []
    do throws(OperatorError) {
      switch node.op {
      case let conv as Conv:
        let kernel = node.inputs[1].flatMap { graph[$0].type?.shape }
        guard let kernel = conv.window.kernelShape ?? kernel.map({ Array($0[2...]) }) else {
          throw .unsupported(what: "channels last without a known kernel shape")
        }
        attributes = try Self.attributes(conv.window.resolved(kernel: kernel), dimensions)
        attributes.append(Attribute("group", .int(Int64(conv.group))))
      case let pool as MaxPool:
        let window = try pool.window.resolved(kernel: pool.window.kernelShape ?? [])
        attributes = try Self.attributes(window, dimensions)
        // Standard pooling knows none before opset 10.
        if window.dilations.allSatisfy({ $0 == 1 }) {
          attributes.removeAll { $0.name == "dilations" }
        }
        if pool.roundsUp { attributes.append(Attribute("ceil_mode", .int(1))) }
      default: attributes = node.op.writtenAttributes
      }
    } catch {
      throw .node(name: node.name, type: node.op.type, error)
    }
    return OpaqueOperator(
      domain: ChannelsLast.domain, type: node.op.type,
      attributes: attributes.sorted { $0.name < $1.name })
  }

  /// Every attribute of a window, padding as numbers.
  private static func attributes(_ window: ResolvedWindow, _ dimensions: [Dimension])
    throws(OperatorError) -> [Attribute]
  {
    var pads = window.pads
    if window.autoPadding != .explicit {
      for axis in window.kernel.indices {
        guard axis + 2 < dimensions.count, let size = dimensions[axis + 2].size, size > 0 else {
          throw .unsupported(what: "auto_pad of a size that isn't known, channels last")
        }
        (pads[axis], pads[axis + window.kernel.count]) = window.padding(axis, size: size)
      }
    }
    let lists = [
      ("dilations", window.dilations), ("kernel_shape", window.kernel), ("pads", pads),
      ("strides", window.strides),
    ]
    return lists.map { Attribute($0.0, .ints($0.1.map(Int64.init))) }
  }

  private func turn(_ id: NodeID, to op: OpaqueOperator, in graph: inout Graph) {
    let node = graph[id]
    guard case let output?? = node.outputs.first, let data = node.inputs[0],
      let rank = graph[data].type?.dimensions?.count
    else { return }
    let order = ChannelsLast.order(rank)
    var inputs = node.inputs
    for position in 0..<ChannelsLast.orderedInputs(op.type) {
      inputs[position] = inputs[position].map { graph.moved($0, order) }
    }
    graph.remove(id)
    let inner = graph.addNode(
      op, name: node.name, inputs: inputs, output: graph[output].name + "_channels_last",
      type: graph[output].type.map { Self.reordered($0, order) })
    graph[inner].annotations = graph[output].annotations
    graph.addNode(
      Transpose(permutation: ChannelsLast.inverse(rank)), name: node.name + "_channels_first",
      inputs: [inner], outputs: [output])
  }

  private static func reordered(_ type: TensorType, _ order: [Int]) -> TensorType {
    guard let dimensions = type.dimensions, dimensions.count == order.count else { return type }
    return TensorType(type.elementType, order.map { dimensions[$0] })
  }

  // MARK: Case 2

  private func keepIfShorter(_ graph: inout Graph, _ change: (inout Graph) -> Void)
    throws(PassError)
  {
    func count(_ graph: Graph) -> Int { graph.nodeIDs.count { graph[$0].op.isTransposition } }
    var candidate = graph
    change(&candidate)
    _ = try TransposeElimination().run(&candidate)
    if count(candidate) < count(graph) { graph = candidate }
  }

  private static func turnInput(_ input: ValueID, in graph: inout Graph) {
    guard let type = graph[input].type, let rank = type.dimensions?.count, (3...4).contains(rank),
      !graph.isOutput(input)
    else { return }
    let inner = graph.addValue(name: graph[input].name + "_channels_first", type: type)
    graph.replaceAllUses(of: input, with: inner)
    graph[input].type = reordered(type, ChannelsLast.order(rank))
    graph.addNode(
      Transpose(permutation: ChannelsLast.inverse(rank)), name: graph[inner].name,
      inputs: [input], outputs: [inner])
  }

  private static func turnOutput(_ output: ValueID, in graph: inout Graph) {
    guard let type = graph[output].type, let rank = type.dimensions?.count, (3...4).contains(rank)
    else { return }
    let order = ChannelsLast.order(rank)
    let turned = graph.addNode(
      Transpose(permutation: order), name: graph[output].name + "_channels_last",
      inputs: [output], output: graph[output].name + "_channels_last",
      type: reordered(type, order))
    graph.replaceAllUses(of: output, with: turned, except: graph.consumers(of: output))
  }
}
