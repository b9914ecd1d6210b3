import GraphIR
import Operators
import TensorCore

/// Folds batch normalisation into the scale of the quantized weight before it, and the bias.
///
///     y = BatchNormalization(Conv(x, Quant(q * s, s), b))
///     ->  y = Conv(x, Quant(q * (s * f), s * f), b * f + shift),   f = gamma / sqrt(var + epsilon)
///
/// 1. All factors positive: as above; the integers stay, and so does what their accumulator needs.
/// 2. A factor of zero or less: a scale can't be, so that the normalisation becomes a Mul and an Add.
///
/// It stays where the layer's output has another reader, the layer is none of Conv and Gemm, or the scale doesn't
/// follow the output channels.
package struct NormalizationIntoScale: Pass {
  package static let name = "normalization-into-scale"

  package init() {}

  package func run(_ graph: inout Graph) throws(PassError) -> [Edit] {
    var edits: [Edit] = []
    for id in graph.nodeIDs {
      guard let normalization = NormalizationAffine(id, in: graph),
        let layer = graph.producer(of: normalization.input), let form = layer.op.dotProduct,
        form.kind == .convolution || form.kind == .gemm
      else { continue }
      let name = graph[id].name
      if let folded = FoldedLayer(layer, normalization, in: graph) {
        folded.apply(to: &graph, normalization)
        edits.append(Edit(node: name, "folded into the scale of '\(layer.name)'"))
      } else {
        let rank =
          form.kind == .convolution
          ? (graph[layer.id].inputs[1].flatMap { graph[$0].type?.dimensions?.count } ?? 4) : 2
        Self.unfold(normalization, rank: rank, in: &graph)
        edits.append(Edit(node: name, "written as a factor and an addend"))
      }
    }
    if !edits.isEmpty { graph.removeUnusedValues() }
    return edits
  }

  /// Case 2.
  private static func unfold(
    _ normalization: NormalizationAffine, rank: Int, in graph: inout Graph
  ) {
    let name = graph[normalization.node].name
    let shape = [normalization.factor.count] + [Int](repeating: 1, count: max(rank - 2, 0))
    let factor = graph.addConstant(
      name: name + "_factor", Tensor(normalization.factor.map { Float($0) }, shape: shape))
    let shift = graph.addConstant(
      name: name + "_shift", Tensor(normalization.shift.map { Float($0) }, shape: shape))
    graph.remove(normalization.node)
    let scaled = graph.addNode(
      Mul(), name: name + "_scale", inputs: [normalization.input, factor],
      output: name + "_scaled", type: graph[normalization.output].type)
    graph.addNode(Add(), name: name, inputs: [scaled, shift], outputs: [normalization.output])
  }
}

/// A layer with a normalisation folded in.
private struct FoldedLayer {
  let layer: NodeID
  let quantizer: NodeID
  let weight: Tensor
  let scale: Tensor
  let bias: Tensor

  /// `nil` where case 1 doesn't apply.
  init?(_ node: Node, _ normalization: NormalizationAffine, in graph: Graph) {
    guard let form = node.op.dotProduct, form.alpha == 1, form.beta == 1, !form.transposesLeft,
      let found = DotProductLayer.quantized(node.id, in: graph), found.weightPosition == 1,
      normalization.factor.allSatisfy({ $0 > 0 }),
      graph.consumers(of: normalization.input).count == 1, !graph.isOutput(normalization.input),
      let value = node.inputs[found.weightPosition], let quantizer = graph.producer(of: value),
      graph.consumers(of: value).count == 1,
      let w = graph.quantizedConstant(value)?.convertedToFloat(),
      let s = quantizer.inputs[1].flatMap({ graph[$0].constant })?.convertedToFloat()
    else { return nil }
    let axis = found.channelAxis
    let channels = normalization.factor.count
    guard found.layout.channelCount == channels,
      s.count == 1 || (s.count == channels && s.rank == w.rank && s.shape[axis] == channels)
    else { return nil }
    var offsets = [Double](repeating: 0, count: channels)
    if node.inputs.count > 2, let value = node.inputs[2] {
      guard let given = graph[value].constant?.convertedToFloat()?.elements(of: Float.self),
        given.count == channels || given.count == 1
      else { return nil }
      offsets = offsets.indices.map { Double(given[given.count == 1 ? 0 : $0]) }
    }
    let steps = s.elements(of: Float.self)
    let scales = (0..<channels).map {
      Float(Double(steps[steps.count == 1 ? 0 : $0]) * normalization.factor[$0])
    }
    guard scales.allSatisfy({ $0 > 0 && $0.isFinite }) else { return nil }
    let inner = w.shape[(axis + 1)...].reduce(1, *)
    let old = steps
    weight = w.withElements(of: Float.self) { source in
      Tensor(shape: w.shape, of: Float.self) { target in
        for index in source.indices {
          let channel = index / inner % channels
          // The integer is kept, and the product rounded once.
          let code = (source[index] / old[old.count == 1 ? 0 : channel]).rounded(.toNearestOrEven)
          target.initializeElement(at: index, to: code * scales[channel])
        }
      }
    }
    var shape = [Int](repeating: 1, count: w.rank)
    shape[axis] = channels
    scale = Tensor(scales, shape: shape)
    bias = Tensor(
      (0..<channels).map {
        Float(offsets[$0] * normalization.factor[$0] + normalization.shift[$0])
      }, shape: [channels])
    layer = node.id
    self.quantizer = quantizer.id
  }

  func apply(to graph: inout Graph, _ normalization: NormalizationAffine) {
    let name = graph[layer].name
    let quantizer = graph[quantizer]
    let weight = graph.addConstant(name: name + "_weight_folded", weight)
    let scale = graph.addConstant(name: name + "_scale_folded", scale)
    let bias = graph.addConstant(name: name + "_bias_folded", bias)
    graph.setInput(quantizer.id, 0, to: weight)
    graph.setInput(quantizer.id, 1, to: scale)
    graph.setInputs(layer, to: [graph[layer].inputs[0], graph[layer].inputs[1], bias])
    // The sums have a bias now, so that the width of the sums is not that of the output.
    graph[normalization.input].annotations.removeAll { $0.key == "finn_datatype" }
    graph.remove(normalization.node)
    graph.replaceAllUses(of: normalization.output, with: normalization.input)
  }
}
