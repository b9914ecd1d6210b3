import GraphIR
import Operators
import TensorCore

/// Reads QONNX's channels-last operators as those of the standard between transpositions, as QONNX defines them.
///
///     channels_last.Conv(x, w)  ->  Transpose(Conv(Transpose(x), transposed w))
///
/// Operators of the domain that QONNX doesn't define stay opaque.
package struct ChannelsLastImport: Pass {
  package static let name = "channels-last-import"

  /// The opset that the model imports of the domain, which is numbered like the standard one.
  package let opset: Int

  package init(opset: Int) { self.opset = opset }

  package func run(_ graph: inout Graph) throws(PassError) -> [Edit] {
    var edits: [Edit] = []
    for id in graph.nodeIDs {
      let node = graph[id]
      guard node.op.domain == ChannelsLast.domain, ChannelsLast.types.contains(node.op.type),
        node.inputs.count >= ChannelsLast.orderedInputs(node.op.type),
        case let output?? = node.outputs.first
      else { continue }
      let op: any Operator
      do {
        op = try Catalogue().makeOperator(
          domain: "", type: node.op.type,
          attributes: AttributeReader(
            node.op.writtenAttributes, opset: opset, inputCount: node.inputs.count,
            outputCount: node.outputs.count))
      } catch {
        throw .node(name: node.name, type: node.op.type, error)
      }
      guard let rank = Self.rank(op, node, in: graph), rank >= 3 else {
        throw .node(
          name: node.name, type: node.op.type,
          .unsupported(what: "channels last without a known number of axes"))
      }
      var inputs = node.inputs
      for position in 0..<ChannelsLast.orderedInputs(node.op.type) {
        inputs[position] = inputs[position].map { graph.moved($0, ChannelsLast.inverse(rank)) }
      }
      graph.remove(id)
      let inner = graph.addNode(
        op, name: node.name, inputs: inputs, output: graph[output].name + "_channels_first")
      graph[inner].annotations = graph[output].annotations
      graph.addNode(
        Transpose(permutation: ChannelsLast.order(rank)), name: node.name + "_channels_last",
        inputs: [inner], outputs: [output])
      edits.append(Edit(node: node.name, "channels first"))
    }
    if !edits.isEmpty { graph.removeUnusedValues() }
    return edits
  }

  private static func rank(_ op: any Operator, _ node: Node, in graph: Graph) -> Int? {
    switch op {
    case let conv as Conv:
      if let kernel = conv.window.kernelShape { return kernel.count + 2 }
      return node.inputs[1].flatMap { graph[$0].type?.rank ?? graph[$0].constant?.rank }
    case let pool as MaxPool: return pool.window.kernelShape.map { $0.count + 2 }
    default:
      let values = [node.inputs[0], node.outputs[0]].compactMap { $0 }
      return values.lazy.compactMap { graph[$0].type?.rank }.first
    }
  }
}
