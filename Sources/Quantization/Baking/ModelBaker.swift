import AccumulatorBounds
import GraphIR
import Operators
import TensorCore

/// Writes quantizers into a model as QONNX `Quant` nodes.
///
/// 1. Each activation group: one `Quant` a value, all with the group's scale; the group's readers move to
///    its output.
/// 2. Each layer: its weight becomes integer x scale in float32, exactly, behind a `Quant` of its own; layers that
///    share a weight read the same constant.
/// 3. Each bias that counts in its accumulator: integer x (weight scale x input scale), behind a `Quant` of its
///    own.
/// 4. `SCALEDINT<bits>` annotations on the quantizers' outputs.
struct ModelBaker {
  let plan: QuantizationPlan
  let layers: [QuantizedLayer]
  let shared: SharedWeights

  static let domain = "qonnx.custom_op.general"
  static let annotationKey = "finn_datatype"

  /// - Precondition: there is one quantized layer for each planned one.
  func bake(into graph: inout Graph) -> [BakedLayer] {
    var parameters = SharedParameters()
    for group in plan.groups { bake(group, into: &graph, &parameters) }
    var baked: [BakedLayer] = []
    for index in plan.layers.indices {
      let owner = shared.owners[index]
      let (planned, quantized) = (plan.layers[index], layers[index])
      if owner == index {
        let members = shared.members(index).map { plan.layers[$0].layer.node }
        baked.append(bake(planned, quantized, members, into: &graph, &parameters))
      } else {
        let layer = planned.layer
        let first = baked[owner]
        // The same constants, in front of a quantizer that is the layer's own.
        quantize(
          first.weight, scale: first.scale, name: layer.name + "_weight", planned, into: &graph,
          &parameters)
        baked.append(
          BakedLayer(
            layer: layer, quantized: quantized, weight: first.weight, scale: first.scale,
            sharesWeight: true))
      }
    }
    return baked
  }

  private func bake(
    _ group: QuantizationPlan.ActivationGroup, into graph: inout Graph,
    _ parameters: inout SharedParameters
  ) {
    let values = group.edges.values
    guard let first = values.first else { return }
    let (format, scale) = (group.quantizer.format, group.quantizer.scale)
    let scaleValue = graph.addConstant(name: graph[first].name + "_scale", Tensor(scalar: scale))
    for value in values {
      let name = graph[value].name
      let quantized = graph.addNode(
        Quant(isSigned: format.signed, isNarrow: false), name: name + "_quantizer",
        inputs: [
          value, scaleValue, parameters.zeroPoint(in: &graph),
          parameters.bitWidth(format.bits, in: &graph),
        ],
        output: name + "_quantized", type: graph[value].type)
      graph[quantized].annotations = [Self.annotation(bits: format.bits)]
      for edge in group.edges where edge.value == value {
        graph.setInput(edge.consumer, edge.position, to: quantized)
      }
    }
  }

  private func bake(
    _ planned: PlannedLayer, _ quantized: QuantizedLayer, _ members: [NodeID],
    into graph: inout Graph, _ parameters: inout SharedParameters
  ) -> BakedLayer {
    let layer = planned.layer
    guard let weight = graph[layer.node].inputs[layer.weightPosition],
      let original = graph[weight].constant
    else { preconditionFailure("layer '\(layer.name)' has lost its weight") }
    let tensor = quantized.weight(layer.layout, shape: original.shape)
    let name = graph[weight].name
    let onGrid: ValueID
    if graph.consumers(of: weight).allSatisfy(members.contains) && !graph.isOutput(weight) {
      graph.setConstant(weight, tensor)
      onGrid = weight
    } else {
      // Another node reads the same weight, which gets its own integers or stays in floating point.
      onGrid = graph.addConstant(name: name, tensor)
    }
    let scale = graph.addConstant(
      name: name + "_scale", layer.layout.scaleTensor(quantized.scales))
    quantize(onGrid, scale: scale, name: name, planned, into: &graph, &parameters)
    return BakedLayer(
      layer: layer, quantized: quantized, weight: onGrid, scale: scale,
      sharesWeight: members.count > 1,
      bias: bakeBias(planned, quantized, into: &graph, &parameters))
  }

  /// Puts a quantizer between a weight and its layer.
  private func quantize(
    _ weight: ValueID, scale: ValueID, name: String, _ planned: PlannedLayer,
    into graph: inout Graph, _ parameters: inout SharedParameters
  ) {
    let quantizer = graph.addNode(
      Quant(isSigned: true, isNarrow: true), name: name + "_quantizer",
      inputs: [
        weight, scale, parameters.zeroPoint(in: &graph),
        parameters.bitWidth(planned.weightBits, in: &graph),
      ],
      output: name + "_quantized", type: graph[weight].constant?.type)
    graph[quantizer].annotations = [Self.annotation(bits: planned.weightBits)]
    graph.setInput(planned.layer.node, planned.layer.weightPosition, to: quantizer)
  }

  private func bakeBias(
    _ planned: PlannedLayer, _ quantized: QuantizedLayer, into graph: inout Graph,
    _ parameters: inout SharedParameters
  ) -> BakedLayer.Bias? {
    guard let bias = planned.bias, let bits = planned.biasBits, !quantized.biases.isEmpty,
      let value = graph[bias.node].inputs[bias.position], let shape = graph[value].constant?.shape
    else { return nil }
    let step = planned.step(of: plan.input(of: planned))
    let name = graph[value].name
    graph.setConstant(value, Tensor(quantized.biasValues(step: step), shape: shape))
    let scale = graph.addConstant(
      name: name + "_scale", Tensor(quantized.biasScales(step: step), shape: shape))
    let quantizer = graph.addNode(
      Quant(isSigned: true, isNarrow: false), name: name + "_quantizer",
      inputs: [
        value, scale, parameters.zeroPoint(in: &graph), parameters.bitWidth(bits, in: &graph),
      ],
      output: name + "_quantized", type: graph[value].constant?.type)
    graph[quantizer].annotations = [Self.annotation(bits: bits)]
    graph.setInput(bias.node, bias.position, to: quantizer)
    return BakedLayer.Bias(value: value, scale: scale, step: step)
  }

  static func annotation(bits: Int) -> KeyValue {
    KeyValue(annotationKey, "SCALEDINT<\(bits)>")
  }
}

/// The zero point and the bit widths that all quantizers of a graph read.
private struct SharedParameters {
  private var zero: ValueID?
  private var widths: [Int: ValueID] = [:]

  mutating func zeroPoint(in graph: inout Graph) -> ValueID {
    if let zero { return zero }
    let value = graph.addConstant(name: "zero_point", Tensor(scalar: Float(0)))
    zero = value
    return value
  }

  mutating func bitWidth(_ bits: Int, in graph: inout Graph) -> ValueID {
    if let value = widths[bits] { return value }
    let value = graph.addConstant(name: "bit_width_\(bits)", Tensor(scalar: Float(bits)))
    widths[bits] = value
    return value
  }
}
