import AccumulatorBounds
import GraphIR
import Operators
import Quantizers

/// Writes what each layer's accumulator needs and was held to into a model's metadata and annotations.
struct AccumulatorAnnotator {
  let plan: QuantizationPlan

  /// Metadata `snug.accumulators`, and `SCALEDINT<P>` on the output of each constrained layer without a bias; that of
  /// the outer register where there are tiles.
  func annotate(_ model: inout Model, _ baked: [BakedLayer]) {
    var annotations: [AccumulatorAnnotation] = []
    for (planned, layer) in zip(plan.layers, baked) {
      guard let output = planned.layer.output(in: model.graph) else { continue }
      let input = plan.input(of: planned).format
      annotations.append(
        AccumulatorAnnotation(
          layer: planned.layer.name, output: model.graph[output].name,
          weight: model.graph[layer.weight].name,
          targetBits: planned.targetBits,
          requiredBits: layer.requiredBits(input: input, planned: planned),
          inputBits: input.bits, inputSigned: input.signed, method: layer.quantized.method,
          biasBits: layer.bias == nil ? nil : planned.biasBits,
          tiling: planned.tiling))
      let inputs = model.graph[planned.layer.node].inputs
      if let bits = planned.targetBits, inputs.count < 3 || inputs[2] == nil {
        model.graph[output].annotations = [
          ModelBaker.annotation(bits: planned.tiling?.outerBits ?? bits)
        ]
      }
    }
    for product in plan.products {
      guard let annotation = annotate(product, &model.graph) else { continue }
      annotations.append(annotation)
    }
    model.setMetadata(
      AccumulatorAnnotation.metadataKey, AccumulatorAnnotation.encode(annotations))
  }

  /// The width that a product of activations needs: P where the data types allow it, otherwise that of the first
  /// and last layers. `nil` where the file doesn't say how long its sums are.
  private func annotate(_ product: PlannedProduct, _ graph: inout Graph) -> AccumulatorAnnotation? {
    let node = graph[product.node]
    let operands = product.groups.map { plan.groups[$0].quantizer.format }
    guard let right = node.inputs[1], let output = node.outputs[0],
      let need = product.need(operands)
    else { return nil }
    let fits = need.bits <= product.accumulatorBits
    let target = fits ? product.accumulatorBits : Recipe.ioAccumulatorBits
    // What needs a wide register needs no second one.
    let tiling = fits ? need.tiling : nil
    if node.inputs.count < 3 || node.inputs[2] == nil {
      graph[output].annotations = [ModelBaker.annotation(bits: tiling?.outerBits ?? target)]
    }
    return AccumulatorAnnotation(
      layer: product.name, output: graph[output].name, weight: graph[right].name,
      targetBits: target,
      requiredBits: fits ? need.bits : product.untiled.need(operands)?.bits ?? 0,
      inputBits: operands[0].bits, inputSigned: operands[0].signed, method: "data-types",
      tiling: tiling)
  }
}

extension BakedLayer {
  /// The least signed width that holds every partial sum of every channel, of every tile where there are such.
  fileprivate func requiredBits(input format: ActivationFormat, planned: PlannedLayer) -> Int {
    let input = planned.tiling.map { format.range(in: $0.operands) } ?? format.range
    let runs = planned.runs
    let k = layer.layout.dotLength
    return (0..<layer.layout.channelCount).map { channel in
      let row = quantized.integers[channel * k..<(channel + 1) * k]
      if let tiling = planned.tiling {
        if tiling.orders.contains(.any) {
          return WorstCase(ofAny: tiling.size, in: row, input: input).requiredBits
        }
        let worst =
          if let runs {
            TiledWorstCase(weights: row.map { Int64($0) }, runs: runs.runs, input: input)
          } else { TiledWorstCase(weights: row, tileSize: tiling.size, input: input) }
        return worst?.inner.requiredBits ?? 0
      }
      let bias = quantized.biases.isEmpty ? 0 : quantized.biases[channel]
      return SignSums(row).map { WorstCase(of: $0, input: input, bias: bias).requiredBits } ?? 0
    }.max() ?? 0
  }
}
