import GraphIR
import Operators
import TensorCore

/// Removes the shift that quantization gives to the mean of a layer's output (Nagel et al. 2019,
/// arXiv 1906.04721, section 4.2, measured on data).
///
/// The correction goes where the graph already adds a constant, so that the accumulator still starts at
/// zero and no operator is added without need:
/// 1. the mean of a batch normalisation that alone reads the output;
/// 2. the bias input of Conv, ConvTranspose or Gemm;
/// 3. the constant of an Add that alone reads the output of MatMul;
/// 4. a new Add behind MatMul.
struct BiasCorrection {
  let layer: DotProductLayer
  /// Mean of the quantized output less that of the float output, one a channel.
  let shift: [Float]

  func apply(to graph: inout Graph) {
    guard let output = layer.output(in: graph) else { return }
    let readers = graph.consumers(of: output)
    if readers.count == 1, !graph.isOutput(output), let reader = readers.first {
      if graph[reader].op.channelNormalization != nil, moveMean(of: reader, in: &graph) { return }
      if !addsBias(graph), graph[reader].op.elementwise == .sum,
        moveConstant(of: reader, besides: output, in: &graph)
      {
        return
      }
    }
    if !addsBias(graph) {
      addBehind(output, in: &graph)
    } else {
      moveBias(in: &graph)
    }
  }

  /// Whether the layer's node can add the correction itself.
  private func addsBias(_ graph: Graph) -> Bool {
    graph[layer.node].op.dotProduct?.biasPosition != nil
  }

  private func moveMean(of normalization: NodeID, in graph: inout Graph) -> Bool {
    guard let value = graph[normalization].inputs[3],
      let mean = graph[value].constant?.convertedToFloat(), mean.count == shift.count
    else { return false }
    let moved = zip(mean.elements(of: Float.self), shift).map { $0 + $1 }
    replace(normalization, 3, value, with: Tensor(moved, shape: mean.shape), in: &graph)
    return true
  }

  private func moveConstant(of add: NodeID, besides output: ValueID, in graph: inout Graph) -> Bool
  {
    guard let position = graph[add].inputs.firstIndex(where: { $0 != output }),
      let value = graph[add].inputs[position],
      let constant = graph[value].constant?.convertedToFloat(),
      constant.count == shift.count, constant.shape.last == shift.count
    else { return false }
    let moved = zip(constant.elements(of: Float.self), shift).map { $0 - $1 }
    replace(add, position, value, with: Tensor(moved, shape: constant.shape), in: &graph)
    return true
  }

  private func moveBias(in graph: inout Graph) {
    let node = graph[layer.node]
    let beta = node.op.dotProduct?.beta ?? 1
    if beta == 0 { return }
    guard node.inputs.count > 2, let value = node.inputs[2] else {
      let bias = graph.addConstant(
        name: node.name + "_bias", Tensor(shift.map { -$0 / beta }, shape: layer.biasShape))
      graph.setInputs(layer.node, to: Array(node.inputs.prefix(2)) + [bias])
      return
    }
    guard let bias = graph[value].constant?.convertedToFloat(),
      bias.count == 1 || layer.varies(bias.shape)
    else { return }
    let elements = bias.elements(of: Float.self)
    let moved = shift.indices.map { elements[bias.count == 1 ? 0 : $0] - shift[$0] / beta }
    graph.setOwnConstant(layer.node, 2, Tensor(moved, shape: layer.biasShape))
  }

  private func addBehind(_ output: ValueID, in graph: inout Graph) {
    guard layer.dataPosition == 0, let product = graph.producer(of: output) else { return }
    let constant = graph.addConstant(
      name: layer.name + "_bias", Tensor(shift.map { -$0 }, shape: [shift.count]))
    let sum = graph.addNode(
      Add(), name: layer.name + "_bias_correction", inputs: [output, constant],
      output: graph[output].name + "_corrected", type: graph[output].type)
    guard let add = graph[sum].producer else { return }
    graph.replaceAllUses(of: output, with: sum, except: [add, product.id])
  }

  /// Gives one reader its own copy of a constant that others may share.
  private func replace(
    _ node: NodeID, _ position: Int, _ value: ValueID, with tensor: Tensor, in graph: inout Graph
  ) {
    if graph.consumers(of: value) == [node] && !graph.isOutput(value) {
      graph.setConstant(value, tensor)
    } else {
      graph.setInput(
        node, position, to: graph.addConstant(name: graph[value].name, tensor))
    }
  }
}
