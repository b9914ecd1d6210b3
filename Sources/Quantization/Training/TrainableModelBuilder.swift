import Execution
import GraphIR
import Operators
import Passes
import Quantizers
import TensorCore

/// Puts training-time quantizers into a float graph.
///
/// 1. Each activation group: one parameter p; a quantizer of it on each value, which the group's readers read.
/// 2. Each layer: v, d and t as its method initialises them, behind a weight quantizer of its own.
/// 3. A bias that counts in its layer's accumulator: a quantizer of it on the accumulator's grid, whose integers
///    the weight quantizer's budgets follow.
/// 4. What else is trained: biases, normalisations, and the weights of layers left in floating point.
struct TrainableModelBuilder {
  let start: Model
  let plan: QuantizationPlan
  let recipe: Recipe

  private let teacher: Graph
  private let edits: [PassReport]
  private let calibrationSamples: Int
  /// What layers start from in the place of their methods' initialisation.
  private let converted: [QuantizedLayer]?
  private var graph: Graph
  private var parameters: [TrainableParameter] = []
  private var layers: [TrainableModel.Layer] = []
  private var statistics: [ValueID] = []

  /// - Parameter quantized: the conversion that layers start from, with its integers, scales and corrected constants;
  ///   `nil` for the initialisation of each layer's method.
  /// - Throws: ``ConversionError/pass(_:)`` where the graph can't be rewritten for any batch.
  init(_ calibrated: CalibratedModel, _ recipe: Recipe, from quantized: QuantizedModel?)
    throws(ConversionError)
  {
    self.recipe = recipe
    var (start, plan) = (calibrated.float, calibrated.plan)
    for shift in quantized?.shifts ?? [] { shift?.apply(to: &start.graph) }
    for (index, layer) in (quantized?.layers ?? []).enumerated() {
      plan.takeBias(of: layer.quantized, layer: index, in: &start.graph)
    }
    converted = quantized?.layers.map(\.quantized)
    edits = calibrated.edits
    calibrationSamples = calibrated.runner?.sampleCount ?? 0
    // The exported model keeps its batch; only training widens it.
    graph = try calibrated.runner?.executable(start.graph) ?? start.graph
    teacher =
      try calibrated.runner?.executable(calibrated.float.graph) ?? calibrated.float.graph
    self.start = start
    self.plan = plan
  }

  mutating func build() throws(ConversionError) -> TrainableModel {
    for group in plan.groups { add(group) }
    for planned in plan.layers { try add(planned) }
    for id in graph.nodeIDs { addConstants(of: graph[id]) }
    graph.removeUnusedValues()
    do { try graph.validate() } catch { throw .graph(error) }
    return TrainableModel(
      graph: graph, parameters: parameters, layers: layers, floatGraph: teacher,
      calibrationSamples: calibrationSamples, float: start, plan: plan, edits: edits,
      statistics: statistics)
  }

  // MARK: Quantizers

  private mutating func add(_ group: QuantizationPlan.ActivationGroup) {
    let (format, scale) = (group.quantizer.format, group.quantizer.scale)
    let values = group.edges.values
    let name = values.first.map { graph[$0].name } ?? "activation"
    let statistic = add(
      name + "_log2_statistic", .log2Statistic,
      Tensor([format.log2Statistic(scale: scale)], shape: [1]))
    statistics.append(statistic)
    for value in values {
      let quantized = graph.addNode(
        PointwiseChain(quantizers: [ChainQuantizer(format)]),
        name: graph[value].name + "_quantizer", inputs: [value, statistic],
        output: graph[value].name + "_quantized", type: graph[value].type)
      for edge in group.edges where edge.value == value {
        graph.setInput(edge.consumer, edge.position, to: quantized)
      }
    }
  }

  private mutating func add(_ planned: PlannedLayer) throws(ConversionError) {
    let layer = planned.layer
    guard let weight = layer.weight(in: graph) else {
      throw .graph(.danglingValue(name: layer.name, consumer: nil))
    }
    let quantization = LayerQuantization(
      planned: planned, input: plan.input(of: planned), recipe: recipe)
    let rows = layer.layout.gather(weight)
    let start =
      if let converted {
        LayerStart(quantization, weights: rows, from: converted[layers.count])
      } else { try LayerStart(quantization, weights: rows) }
    let (scale, norm) = (start.parameters.log2Scale, start.parameters.log2Norm)
    let v = add(
      layer.name + "_weight", .weight, layer.layout.scatter(start.weights, shape: weight.shape))
    let d = add(
      layer.name + "_log2_scale", .log2Scale, Tensor(scale, shape: [scale.count]))
    let t =
      norm.isEmpty
      ? nil : add(layer.name + "_log2_norm", .log2Norm, Tensor(norm, shape: [norm.count]))
    let bias = planned.bias.flatMap { bias in
      graph[bias.node].inputs[bias.position].map {
        TrainableModel.Bias(
          value: $0, statistic: statistics[planned.group],
          step: AccumulatorStep(
            input: plan.input(of: planned).format, factor: planned.factor))
      }
    }
    let op = FakeQuantizedWeight(start.quantizer, layout: layer.layout, biasStep: bias?.step)
    let quantized = graph.addNode(
      op, name: layer.name + TrainableModel.quantizerSuffix,
      inputs: (t == nil ? [v, d] : [v, d, t]) + (bias.map { [$0.value, $0.statistic] } ?? []),
      output: layer.name + "_weight_quantized", type: weight.type)
    graph.setInput(layer.node, layer.weightPosition, to: quantized)
    if let bias, let site = planned.bias, let tensor = graph[bias.value].constant {
      parameters.append(
        TrainableParameter(
          value: bias.value, name: graph[bias.value].name, kind: .bias, initial: tensor))
      let integers = graph.addNode(
        FakeQuantizedBias(op.reference, step: bias.step), name: layer.name + "_bias_quantizer",
        inputs: [bias.value, d, bias.statistic], output: layer.name + "_bias_quantized",
        type: tensor.type)
      graph.setInput(site.node, site.position, to: integers)
    }
    layers.append(
      TrainableModel.Layer(
        name: layer.name, quantizer: start.quantizer, weight: v, log2Scale: d, log2Norm: t,
        bias: bias))
  }

  // MARK: Constants that are trained as they are

  private mutating func addConstants(of node: Node) {
    switch node.op.dotProduct?.kind {
    case .convolution, .transposedConvolution, .gemm:
      take(node, 1, .weight)
      take(node, 2, .bias)
    case .matMul:
      take(node, 0, .weight)
      take(node, 1, .weight)
    case nil: break
    }
    if node.op.channelNormalization != nil {
      take(node, ChannelNormalizationForm.factor, .normalization)
      take(node, ChannelNormalizationForm.shift, .normalization)
      take(node, ChannelNormalizationForm.mean, .statistic)
      take(node, ChannelNormalizationForm.variance, .statistic)
    } else if node.op.elementwise == .sum {
      // A row or column of constants that an exporter adds is a bias.
      for position in node.inputs.indices {
        if let value = node.inputs[position], let tensor = graph[value].constant,
          tensor.count > 1, tensor.shape.count(where: { $0 != 1 }) == 1
        {
          take(node, position, .bias)
        }
      }
    }
  }

  /// Makes a constant input a parameter: its own, so that what another node reads stays.
  private mutating func take(_ node: Node, _ position: Int, _ kind: TrainableParameter.Kind) {
    guard position < node.inputs.count, let value = node.inputs[position],
      let tensor = graph[value].constant, tensor.elementType == .float32,
      !parameters.contains(where: { $0.value == value })
    else { return }
    parameters.append(
      TrainableParameter(value: value, name: graph[value].name, kind: kind, initial: tensor))
  }

  private mutating func add(_ name: String, _ kind: TrainableParameter.Kind, _ tensor: Tensor)
    -> ValueID
  {
    let value = graph.addConstant(name: name, tensor)
    parameters.append(
      TrainableParameter(value: value, name: graph[value].name, kind: kind, initial: tensor))
    return value
  }
}
