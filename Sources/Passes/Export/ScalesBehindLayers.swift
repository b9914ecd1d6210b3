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
/// 3. In both, a bias of integers whose step is the same power of two in every channel once the weight's scale is
///    taken off, as it is where the bias counts in the accumulator and scales are powers of two, stays in front of
///    the Mul, behind a quantizer of that one step: an input of Conv, an Add behind MatMul, also where there is one
///    in the file already.
///
/// Layers of one scale without a bias stay. hls4ml knows no Gemm, and takes a scale for each channel of a weight
/// only where it can move it behind the layer itself, which it can't in front of a matrix product or a bias.
package struct ScalesBehindLayers: Pass {
  package static let name = "scales-behind-layers"
  package static let mustFollow: [any Pass.Type] = [
    ShapeInference.self, NormalizationIntoScale.self,
  ]

  package init() {}

  package func run(_ graph: inout Graph) throws(PassError) -> [Edit] {
    var edits: [Edit] = []
    for id in graph.nodeIDs where graph.contains(id) {
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
  /// The Add behind a MatMul whose constant ``bias`` is.
  let addition: NodeID?
  /// Of the bias where its integers are added to the sums.
  let biasQuantizer: BiasQuantizer?

  struct BiasQuantizer {
    let op: any Operator
    let step: Float
    /// The value that holds the width.
    let width: ValueID?
  }

  /// `nil` where the layer stays as it is.
  init?(_ id: NodeID, in graph: Graph) throws(PassError) {
    let node = graph[id]
    guard let form = node.op.dotProduct, form.kind != .transposedConvolution,
      let layer = DotProductLayer.quantized(id, in: graph), layer.weightPosition == 1,
      let value = node.inputs[1], let quantizer = graph.producer(of: value),
      let quant = quantizer.quant, let constant = graph.quantizedConstant(value)
    else { return nil }
    let parameters = try QuantizerParameters(quantizer, quant, in: graph)
    guard parameters.zeroPoints.allSatisfy({ $0 == 0 }), let codes = parameters.codes(of: constant)
    else { return nil }
    let integers = Tensor(codes.map { Float($0) }, shape: constant.shape)
    var addend: Addend?
    if node.inputs.count > 2, let added = node.inputs[2] {
      addend = try Addend(added, in: graph)
      if addend == nil { return nil }
    }
    let added = form.biasPosition == nil ? try Self.addition(behind: layer, in: graph) : nil
    let beta = form.beta
    if form.kind == .gemm {
      guard !form.transposesLeft,
        let right = form.transposesRight ? integers.moved([1, 0]) : integers
      else { return nil }
      op = MatMul()
      weight = right
    } else {
      guard parameters.axis != nil, form.kind == .convolution || constant.rank == 2 else {
        return nil
      }
      op = node.op
      weight = integers
    }
    scales = parameters.scales.map { $0 * form.alpha }
    if let addend = addend ?? added?.addend,
      let sums = addend.onSums(of: scales, beta: beta)
    {
      (bias, biasQuantizer) = (sums.bias, sums.quantizer)
      addition = added?.id
    } else {
      addition = nil
      biasQuantizer = nil
      let spatial = [Int](
        repeating: 1, count: form.kind == .convolution ? constant.rank - 2 : 0)
      bias = addend.flatMap { addend in
        let values = addend.values.elements(of: Float.self).map { $0 * beta }
        let shape = addend.values.shape
        return Tensor(values, shape: spatial.isEmpty ? shape : [values.count] + spatial)
      }
    }
    guard parameters.axis.map({ $0 == layer.channelAxis }) ?? true else { return nil }
    self.id = id
    self.quantizer = quantizer
  }

  /// The node that alone reads a product and adds quantized constants to it.
  private static func addition(behind layer: DotProductLayer, in graph: Graph) throws(PassError)
    -> (id: NodeID, addend: Addend)?
  {
    guard let (id, position) = layer.addition(in: graph), let other = graph[id].inputs[position],
      graph[other].constant == nil, let addend = try Addend(other, in: graph)
    else { return nil }
    return (id, addend)
  }

  /// A constant bias, by what its quantizer makes of it where it has one.
  private struct Addend {
    let values: Tensor
    var codes: [Int] = []
    /// One, or one a code.
    var steps: [Float] = []
    var quantizer: Node?

    /// `nil` for anything else.
    init?(_ value: ValueID, in graph: Graph) throws(PassError) {
      if let constant = graph[value].constant {
        guard let floats = constant.convertedToFloat() else { return nil }
        values = floats
        return
      }
      guard let node = graph.producer(of: value), let quant = node.quant,
        let constant = graph.quantizedConstant(value)
      else { return nil }
      let parameters = try QuantizerParameters(node, quant, in: graph, isAddend: true)
      guard let codes = parameters.codes(of: constant) else { return nil }
      let steps = parameters.scales
      values = Tensor(
        codes.indices.map { Float(codes[$0]) * steps[steps.count == 1 ? 0 : $0] },
        shape: constant.shape)
      (self.codes, self.steps, quantizer) = (codes, steps, node)
    }

    /// Case 3: the bias in front of the multiplication with the layer's scales.
    func onSums(of scales: [Float], beta: Float) -> (bias: Tensor, quantizer: BiasQuantizer)? {
      guard let quantizer, values.shape == [values.count] else { return nil }
      let found = Set(
        codes.indices.map { index in
          steps[steps.count == 1 ? 0 : index] * beta / scales[scales.count == 1 ? 0 : index]
        })
      guard let step = found.first, found.count == 1, step > 0, step.isNormal,
        step.significand == 1
      else { return nil }
      let bias = Tensor(codes.map { Float($0) * step }, shape: values.shape)
      return (bias, BiasQuantizer(op: quantizer.op, step: step, width: quantizer.inputs[3]))
    }
  }

  func split(in graph: inout Graph) {
    let node = graph[id]
    guard case let product?? = node.outputs.first,
      case let output?? = graph[addition ?? id].outputs.first
    else { return }
    let type = graph[product].type
    let name = node.name
    graph.remove(id)
    if let addition { graph.remove(addition) }
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
    var addend = bias.map { graph.addConstant(name: name + "_bias", $0) }
    if let quantizer = biasQuantizer, let constant = addend {
      addend = graph.addNode(
        quantizer.op, name: name + "_bias_quantizer",
        inputs: [
          constant,
          graph.addConstant(name: name + "_bias_step", Tensor(scalar: quantizer.step)),
          graph.addConstant(name: name + "_bias_zero", Tensor(scalar: Float(0))), quantizer.width,
        ], output: name + "_bias_quantized", type: graph[constant].type)
    }
    var inputs = [node.inputs[0], quantized]
    if biasQuantizer != nil, op.dotProduct?.biasPosition != nil {
      inputs.append(addend)
      addend = nil
    }
    var sums = graph.addNode(
      op, name: name, inputs: inputs, output: name + "_sums", type: type)
    // The data type that a file states for a layer's output is that of its sums.
    graph[sums].annotations = graph[product].annotations.filter { $0.key == "finn_datatype" }
    graph[output].annotations.removeAll { $0.key == "finn_datatype" }
    if biasQuantizer != nil, let integers = addend {
      sums = graph.addNode(
        Add(), name: name + "_add_bias", inputs: [sums, integers], output: name + "_biased_sums",
        type: type)
      addend = nil
    }
    // A matrix has two axes, the kernel of a convolution those of its image besides.
    let spatial = [Int](repeating: 1, count: weight.rank - 2)
    let scale = graph.addConstant(
      name: name + "_output_scale",
      Tensor(scales, shape: scales.count == 1 ? [] : [scales.count] + spatial))
    guard let addend else {
      graph.addNode(Mul(), name: name + "_rescale", inputs: [sums, scale], outputs: [output])
      return
    }
    let products = graph.addNode(
      Mul(), name: name + "_rescale", inputs: [sums, scale], output: name + "_products",
      type: type)
    graph.addNode(Add(), name: name + "_add_bias", inputs: [products, addend], outputs: [output])
  }
}
