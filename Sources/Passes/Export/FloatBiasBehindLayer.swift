import GraphIR
import Operators
import TensorCore

/// Adds the real bias of a layer behind it, in a node of its own.
///
///     Conv(x, w, b)  ->  Add(Conv(x, w), b)        Gemm(x, w, b)  ->  Add(Gemm(x, w), beta b)
///
/// onnxruntime's default session rounds a real bias of a layer between linear quantizers to steps of the
/// accumulator, which moves outputs of few bits by whole per cent. It leaves an addition as it is. A bias of codes,
/// which counts in the accumulator, stays an input.
package struct FloatBiasBehindLayer: Pass {
  package static let name = "float-bias-behind-layer"
  package static let mustFollow: [any Pass.Type] = [
    ShapeInference.self, NormalizationIntoScale.self, LinearQuantizerExport.self,
  ]

  package init() {}

  package func run(_ graph: inout Graph) throws(PassError) -> [Edit] {
    var edits: [Edit] = []
    for id in graph.nodeIDs {
      let name = graph[id].name
      if move(id, in: &graph) { edits.append(Edit(node: name, "bias behind the layer")) }
    }
    if !edits.isEmpty { graph.removeUnusedValues() }
    return edits
  }

  private func move(_ id: NodeID, in graph: inout Graph) -> Bool {
    let node = graph[id]
    guard let form = node.op.dotProduct, let position = form.biasPosition,
      position < node.inputs.count, let bias = node.inputs[position],
      let constant = graph[bias].constant?.convertedToFloat(),
      case let output?? = node.outputs.first
    else { return false }
    let spatial: [Int]
    if form.kind == .convolution || form.kind == .transposedConvolution {
      guard let rank = graph[output].type?.dimensions?.count, rank >= 3 else { return false }
      spatial = [Int](repeating: 1, count: rank - 2)
    } else {
      spatial = []
    }
    let values = constant.elements(of: Float.self).map { $0 * form.beta }
    let shape = spatial.isEmpty ? constant.shape : [values.count] + spatial
    let addend = graph.addConstant(name: node.name + "_bias", Tensor(values, shape: shape))
    graph.remove(id)
    let sums = graph.addNode(
      node.op, name: node.name, inputs: Array(node.inputs.prefix(position)),
      output: node.name + "_sums", type: graph[output].type)
    // The data type that a file states for a layer's output is that of its sums.
    graph[sums].annotations = graph[output].annotations.filter { $0.key == "finn_datatype" }
    graph[output].annotations.removeAll { $0.key == "finn_datatype" }
    graph.addNode(Add(), name: node.name + "_add_bias", inputs: [sums, addend], outputs: [output])
    return true
  }
}
