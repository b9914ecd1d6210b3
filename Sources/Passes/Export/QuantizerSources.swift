import GraphIR
import Operators

/// Gives quantizers that share a value with other readers a producer of their own.
///
///     y = Relu(x); Quant(y); Quant(y)  ->  y = Relu(x); Quant(y); z = Relu(x); Quant(z)
///
/// hls4ml 1.3 takes the first quantizer behind an activation for the type of the activation's result, which every other
/// reader then gets. A producer that sums products isn't copied.
struct QuantizerSources: Pass {
  static let name = "quantizer-sources"
  static let mustFollow: [any Pass.Type] = [ScalesBehindLayers.self]

  func run(_ graph: inout Graph) throws(PassError) -> [Edit] {
    var edits: [Edit] = []
    for value in graph.valueIDs {
      let readers = graph.consumers(of: value)
      guard readers.count > 1 || graph.isOutput(value), let producer = graph.producer(of: value),
        producer.op.dotProduct == nil, producer.outputs.count == 1
      else { continue }
      let quantizers = readers.filter { graph[$0].quant != nil && graph[$0].inputs[0] == value }
      // Among quantizers alone, the first keeps the value.
      let isShared = quantizers.count < readers.count || graph.isOutput(value)
      for (index, quantizer) in quantizers.dropFirst(isShared ? 0 : 1).enumerated() {
        let copy = graph.addNode(
          producer.op, name: "\(producer.name)_copy_\(index)", inputs: producer.inputs,
          output: "\(graph[value].name)_copy_\(index)", type: graph[value].type)
        graph.setInput(quantizer, 0, to: copy)
        edits.append(Edit(node: graph[quantizer].name, "a producer of its own"))
      }
    }
    return edits
  }
}
