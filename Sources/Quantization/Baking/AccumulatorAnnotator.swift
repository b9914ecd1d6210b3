import AccumulatorBounds
import GraphIR

/// Writes what each layer's accumulator needs and was held to into a model's metadata and annotations.
struct AccumulatorAnnotator {
  let plan: QuantizationPlan

  /// Metadata `snug.accumulators`, and `SCALEDINT<P>` on
  /// the output of each constrained layer without a bias.
  func annotate(_ model: inout Model, _ baked: [BakedLayer]) {
    var annotations: [AccumulatorAnnotation] = []
    for (planned, layer) in zip(plan.layers, baked) {
      guard let output = planned.layer.output(in: model.graph) else { continue }
      let group = plan.groups[planned.group]
      annotations.append(
        AccumulatorAnnotation(
          layer: planned.layer.name, output: model.graph[output].name,
          weight: model.graph[layer.weight].name,
          targetBits: planned.targetBits,
          requiredBits: layer.requiredBits(input: group.integerRange),
          inputBits: group.bits, inputSigned: group.isSigned, method: layer.quantized.method,
          biasBits: layer.bias == nil ? nil : planned.biasBits))
      let inputs = model.graph[planned.layer.node].inputs
      if let bits = planned.targetBits, inputs.count < 3 || inputs[2] == nil {
        model.graph[output].annotations = [ModelBaker.annotation(bits: bits)]
      }
    }
    model.setMetadata(
      AccumulatorAnnotation.metadataKey, AccumulatorAnnotation.encode(annotations))
  }
}

extension BakedLayer {
  /// The least signed width that holds every partial sum of every channel.
  fileprivate func requiredBits(input: ClosedRange<Int>) -> Int {
    guard let range = IntegerRange(Int64(input.lowerBound), Int64(input.upperBound)) else {
      return 0
    }
    let k = layer.layout.dotLength
    return (0..<layer.layout.channelCount).map { channel in
      let row = quantized.integers[channel * k..<(channel + 1) * k]
      let bias = quantized.biases.isEmpty ? 0 : quantized.biases[channel]
      return SignSums(row).map { WorstCase(of: $0, input: range, bias: bias).requiredBits } ?? 0
    }.max() ?? 0
  }
}
