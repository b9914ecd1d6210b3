import GraphIR

/// One forward sweep over the graph that finds, for each value, the integers it can hold.
///
/// An abstract interpretation with intervals: nothing is executed, and each node is visited once. What has
/// no rule yields real numbers, so an operator that is missing here can only make the analysis refuse.
enum FactAnalysis {
  /// The rule of one operator: the fact of its first output, or why there is none.
  typealias Rule = @Sendable (NodeContext) throws(Obstacle) -> ValueFact

  /// - Throws: ``GraphError`` where the graph has a cycle.
  static func run(_ model: Model) throws(GraphError) -> FactTable {
    let facts = FactTable(graph: model.graph)
    for id in try model.graph.topologicalOrder() {
      let node = model.graph[id]
      guard let rule = rule(for: node.op) else { continue }
      let context = NodeContext(
        graph: model.graph, node: node, opset: model.opset(of: node.op.domain) ?? 1, facts: facts)
      let fact: ValueFact
      do { fact = try rule(context) } catch { fact = .real(error) }
      let every = sameFactForAllOutputs.contains(node.op.type)
      for case let output? in node.outputs.prefix(every ? node.outputs.count : 1) {
        facts[output] = fact
      }
    }
    return facts
  }

  /// Domains in which exporters have written the QONNX quantizers.
  static let quantizerDomains: Set = [
    "qonnx.custom_op.general", "onnx.brevitas", "finn.custom_op.general",
  ]

  private static func rule(for op: any Operator) -> Rule? {
    if quantizerDomains.contains(op.domain) { return quantizerRules[op.type] }
    switch OpsetImport.canonical(op.domain) {
    case "": return standardRules[op.type]
    case "com.microsoft": return onnxRuntimeRules[op.type]
    case "qonnx.custom_op.channels_last": return op.type == "MaxPool" ? RangeRules.same : nil
    default: return nil
    }
  }

  private static let sameFactForAllOutputs: Set = ["Split"]

  private static let quantizerRules: [String: Rule] = [
    "Quant": QuantRule.apply, "IntQuant": QuantRule.apply,
    "BipolarQuant": BipolarQuantRule.apply,
    "Trunc": TruncRule.apply,
    "Im2Col": RangeRules.withZeroPadding,
    "MultiThreshold": MultiThresholdRule.apply,
  ]

  private static let standardRules: [String: Rule] = [
    "Constant": ConstantRule.apply,
    // Quantizers in integer tensors.
    "QuantizeLinear": LinearQuantizationRules.quantize,
    "DequantizeLinear": LinearQuantizationRules.dequantize,
    "DynamicQuantizeLinear": LinearQuantizationRules.dynamicQuantize,
    // The same elements in another order, or some of them.
    "Identity": MovementRules.identity, "Dropout": MovementRules.dropout,
    "Reshape": MovementRules.reshape, "Flatten": MovementRules.flatten,
    "Squeeze": MovementRules.squeeze, "Unsqueeze": MovementRules.unsqueeze,
    "Transpose": MovementRules.transpose,
    "DepthToSpace": RangeRules.same, "SpaceToDepth": RangeRules.same,
    "Slice": RangeRules.same, "Split": RangeRules.same, "Gather": RangeRules.same,
    "GatherElements": RangeRules.same, "GatherND": RangeRules.same, "Expand": RangeRules.same,
    "Tile": RangeRules.same, "ReverseSequence": RangeRules.same,
    "MaxPool": RangeRules.same, "GlobalMaxPool": RangeRules.same,
    "ReduceMax": RangeRules.same, "ReduceMin": RangeRules.same,
    // Ranges that change.
    "Relu": RangeRules.relu, "Clip": RangeRules.clip, "Pad": RangeRules.pad,
    "Resize": RangeRules.resize, "Upsample": RangeRules.resize,
    "Concat": RangeRules.concat, "Max": RangeRules.union, "Min": RangeRules.union,
    "Where": RangeRules.whereSelected,
    // Another step for the same integers.
    "Cast": ScalingRules.cast, "Mul": ScalingRules.multiply, "Div": ScalingRules.divide,
    // Integer arithmetic that ends in a narrow type again.
    "QLinearConv": LinearQuantizationRules.requantized(zeroPoint: 7),
    "QLinearMatMul": LinearQuantizationRules.requantized(zeroPoint: 7),
  ]

  /// The operators that onnxruntime's quantizer writes (ContribOperators.md).
  private static let onnxRuntimeRules: [String: Rule] = [
    "QuantizeLinear": LinearQuantizationRules.quantize,
    "DequantizeLinear": LinearQuantizationRules.dequantize,
    "QLinearAdd": LinearQuantizationRules.requantized(zeroPoint: 7),
    "QLinearMul": LinearQuantizationRules.requantized(zeroPoint: 7),
    "QGemm": LinearQuantizationRules.requantized(zeroPoint: 8),
    "QLinearConcat": LinearQuantizationRules.requantized(zeroPoint: 1),
    "QLinearAveragePool": LinearQuantizationRules.requantized(zeroPoint: 4),
    "QLinearGlobalAveragePool": LinearQuantizationRules.requantized(zeroPoint: 4),
    "QLinearLeakyRelu": LinearQuantizationRules.requantized(zeroPoint: 4),
    "QLinearReduceMean": LinearQuantizationRules.requantized(zeroPoint: 4),
    "QLinearSigmoid": LinearQuantizationRules.requantized(zeroPoint: 4),
    "QLinearSoftmax": LinearQuantizationRules.requantized(zeroPoint: 4),
  ]
}
