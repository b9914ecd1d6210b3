import GraphIR
import Operators
import TensorCore

/// Adds the real bias of a layer behind it, in a node of its own.
///
/// 1. `Conv(x, w, b)  ->  Add(Conv(x, w), b)`, and `Gemm(x, w, b)  ->  Add(Gemm(x, w), beta b)`
/// 2. `Add(MatMul(x, w), b)  ->  Add(Gemm(x, w), b)` of matrices
/// 3. `Add(MatMul(x, w), b)  ->  Add(MatMul(x, w), b')` of stacks of matrices, where `b'` has as many dimensions as the sum
///
/// onnxruntime's default session rounds a real bias of a layer between linear quantizers to steps of the
/// accumulator, which moves outputs of few bits by whole per cent. It leaves an addition as it is, but makes a Gemm of a
/// MatMul and a row that is added to it, with a bias that it rounds in turn (MatMulAddFusion): so that row stands
/// behind a Gemm already, or isn't written as a row. A bias of codes, which counts in the accumulator, stays an input.
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
      if move(id, in: &graph) {
        edits.append(Edit(node: name, "bias behind the layer"))
      } else if guardRow(behind: id, in: &graph) {
        edits.append(Edit(node: name, "bias that doesn't become the layer's"))
      }
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

  /// Keeps a row of numbers that is added to a MatMul from becoming the bias of a Gemm.
  private func guardRow(behind id: NodeID, in graph: inout Graph) -> Bool {
    let node = graph[id]
    guard node.op.dotProduct?.kind == .matMul, case let sums?? = node.outputs.first,
      !graph.isOutput(sums),
      let reader = graph.consumers(of: sums).first, graph.consumers(of: sums).count == 1,
      graph[reader].op.elementwise == .sum,
      let position = graph[reader].inputs.firstIndex(where: { $0 != sums }),
      let row = graph[reader].inputs[position], let constant = graph[row].constant,
      let rank = graph[sums].type?.dimensions?.count
    else { return false }
    if rank == 2 {
      guard constant.rank <= 2,
        node.inputs.allSatisfy({ $0.flatMap { graph[$0].type?.dimensions?.count } == 2 })
      else { return false }
      graph.remove(id)
      graph.addNode(Gemm(), name: node.name, inputs: node.inputs, outputs: node.outputs)
      return true
    }
    guard constant.rank < rank, constant.rank > 0 else { return false }
    let shape = [Int](repeating: 1, count: rank - constant.rank) + constant.shape
    guard let wide = constant.reshaped(shape) else { return false }
    graph.setInput(
      reader, position, to: graph.addConstant(name: graph[row].name + "_row", wide))
    return true
  }
}
