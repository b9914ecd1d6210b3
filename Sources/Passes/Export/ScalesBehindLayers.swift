import GraphIR
import Operators
import TensorCore

/// Moves behind a layer what its weight has for each channel, so that the layer multiplies integers.
///
///     MatMul(x, Quant(w, s))  ->  Mul(MatMul(x, Quant(w / s, 1)), s)
///
/// 1. Conv and MatMul whose weight has one scale a channel; a bias becomes an Add behind the Mul.
/// 2. Gemm without a transposed left operand: the same as MatMul, `alpha` in the scale and `beta` in the bias,
///    whether there is one scale or several.
///
/// Layers of one scale without a bias stay. hls4ml knows no Gemm, and takes a scale for each channel of a weight
/// only where it can move it behind the layer itself, which it can't in front of a matrix product or a bias.
public struct ScalesBehindLayers: Pass {
  public static let name = "scales-behind-layers"
  public static let mustFollow: [any Pass.Type] = [
    ShapeInference.self, NormalizationIntoScale.self,
  ]

  public init() {}

  public func run(_ graph: inout Graph) throws(PassError) -> [Edit] {
    var edits: [Edit] = []
    for id in graph.nodeIDs {
      guard let layer = try ScaledLayer(id, in: graph) else { continue }
      edits.append(Edit(node: graph[id].name, "scale behind the layer"))
      layer.split(in: &graph)
    }
    if !edits.isEmpty { graph.removeUnusedValues() }
    return edits
  }
}

/// A layer whose weight is constant integers behind a quantizer.
private struct ScaledLayer {
  let id: NodeID
  let op: any Operator
  let quantizer: Node
  /// The weight's integers, transposed where the layer did that.
  let weight: Tensor
  /// One, or one an output channel.
  let scales: [Float]
  let bias: Tensor?

  /// `nil` where the layer stays as it is.
  init?(_ id: NodeID, in graph: Graph) throws(PassError) {
    let node = graph[id]
    guard node.inputs.count > 1, let value = node.inputs[1],
      let quantizer = graph.producer(of: value), let quant = quantizer.op as? Quant,
      let constant = quantizer.inputs[0].flatMap({ graph[$0].constant })
    else { return nil }
    let parameters = try QuantizerParameters(quantizer, quant, in: graph)
    guard parameters.zeroPoints.allSatisfy({ $0 == 0 }), let codes = parameters.codes(of: constant)
    else { return nil }
    let integers = Tensor(codes.map { Float($0) }, shape: constant.shape)
    var addend: Tensor?
    if node.inputs.count > 2, let added = node.inputs[2] {
      guard let tensor = try Self.bias(added, in: graph) else { return nil }
      addend = tensor
    }
    let channelAxis: Int
    switch node.op {
    case let gemm as Gemm where !gemm.transposesA && constant.rank == 2:
      channelAxis = gemm.transposesB ? 0 : 1
      guard let right = gemm.transposesB ? integers.moved([1, 0]) : integers else { return nil }
      op = MatMul()
      weight = right
      scales = parameters.scales.map { $0 * gemm.alpha }
      bias = addend.map { tensor in
        Tensor(tensor.elements(of: Float.self).map { $0 * gemm.beta }, shape: tensor.shape)
      }
    case is MatMul where constant.rank == 2 && parameters.axis != nil,
      is Conv where parameters.axis != nil:
      channelAxis = node.op is Conv ? 0 : 1
      op = node.op
      weight = integers
      scales = parameters.scales
      let isConv = node.op is Conv
      let spatial = [Int](repeating: 1, count: isConv ? constant.rank - 2 : 0)
      bias = addend.flatMap { $0.reshaped([$0.count] + spatial) }
    default: return nil
    }
    guard parameters.axis.map({ $0 == channelAxis }) ?? true else { return nil }
    self.id = id
    self.quantizer = quantizer
  }

  /// A constant bias, by what its quantizer makes of it where it has one.
  private static func bias(_ value: ValueID, in graph: Graph) throws(PassError) -> Tensor? {
    if let constant = graph[value].constant { return constant.convertedToFloat() }
    guard let node = graph.producer(of: value), let quant = node.op as? Quant,
      let constant = node.inputs[0].flatMap({ graph[$0].constant })
    else { return nil }
    let parameters = try QuantizerParameters(node, quant, in: graph, isAddend: true)
    let scales = parameters.scales
    return parameters.codes(of: constant).map { codes in
      Tensor(
        codes.indices.map { Float(codes[$0]) * scales[scales.count == 1 ? 0 : $0] },
        shape: constant.shape)
    }
  }

  func split(in graph: inout Graph) {
    let node = graph[id]
    guard case let output?? = node.outputs.first else { return }
    let type = graph[output].type
    let name = node.name
    graph.remove(id)
    let quantized = graph.addNode(
      quantizer.op, name: name + "_weight_quantizer",
      inputs: [
        graph.addConstant(name: name + "_weight_integers", weight),
        graph.addConstant(name: name + "_weight_step", Tensor(scalar: Float(1))),
        graph.addConstant(name: name + "_weight_zero", Tensor(scalar: Float(0))),
        quantizer.inputs[3],
      ], output: name + "_weight_quantized",
      type: TensorType(.float32, weight.shape.map { .fixed($0) }))
    if let old = quantizer.outputs.first ?? nil {
      graph[quantized].annotations = graph[old].annotations
    }
    let sums = graph.addNode(
      op, name: name, inputs: [node.inputs[0], quantized], output: name + "_sums", type: type)
    // The data type that a file states for a layer's output is that of its sums.
    graph[sums].annotations = graph[output].annotations.filter { $0.key == "finn_datatype" }
    graph[output].annotations.removeAll { $0.key == "finn_datatype" }
    let spatial = op is Conv ? [Int](repeating: 1, count: weight.rank - 2) : []
    let scale = graph.addConstant(
      name: name + "_output_scale",
      Tensor(scales, shape: scales.count == 1 ? [] : [scales.count] + spatial))
    guard let bias else {
      graph.addNode(Mul(), name: name + "_rescale", inputs: [sums, scale], outputs: [output])
      return
    }
    let products = graph.addNode(
      Mul(), name: name + "_rescale", inputs: [sums, scale], output: name + "_products",
      type: type)
    let addend = graph.addConstant(name: name + "_bias", bias)
    graph.addNode(Add(), name: name + "_add_bias", inputs: [products, addend], outputs: [output])
  }
}
