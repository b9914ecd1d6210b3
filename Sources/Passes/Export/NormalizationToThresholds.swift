import GraphIR
import Operators
import TensorCore

/// Writes batch normalisation, rectifier and quantizer after a dot product as one comparison with thresholds.
///
///     Quant(Relu(BatchNormalization(x)), s)  ->  MultiThreshold(x, T),   without the Relu likewise
///
/// A channel of the chain is a rising step function of its sums, so that level k is reached where the sum is at
/// least a threshold: the least float that the chain, in double precision, takes there. A channel with a
/// negative factor falls; its sums are multiplied by -1 first. The normalisation stays where something other
/// than such quantizers reads it.
package struct NormalizationToThresholds: Pass {
  package static let name = "normalization-to-thresholds"

  package init() {}

  package func run(_ graph: inout Graph) throws(PassError) -> [Edit] {
    var edits: [Edit] = []
    for id in graph.nodeIDs where graph.contains(id) {
      guard let normalization = NormalizationAffine(id, in: graph) else { continue }
      var flipped: ValueID?
      for chain in chains(after: normalization, in: graph) {
        let node = graph[chain.quantizer]
        guard let quant = node.quant else { continue }
        let parameters = try QuantizerParameters(node, quant, in: graph)
        guard parameters.axis == nil, parameters.zeroPoints == [0] else { continue }
        let thresholds = Thresholds(
          normalization, parameters, isRectified: chain.isRectified)
        var data = normalization.input
        if normalization.factor.contains(where: { $0 < 0 }) {
          data = flipped ?? Self.flip(normalization, in: &graph)
          flipped = data
        }
        let table = graph.addConstant(name: node.name + "_thresholds", thresholds.table)
        graph.remove(chain.quantizer)
        graph.addNode(
          thresholds.op(rank: graph[normalization.output].type?.dimensions?.count), name: node.name,
          inputs: [data, table], outputs: [parameters.output])
        edits.append(Edit(node: node.name, "written as thresholds"))
      }
    }
    return edits
  }

  private struct Chain {
    let quantizer: NodeID
    let isRectified: Bool
  }

  private func chains(after normalization: NormalizationAffine, in graph: Graph) -> [Chain] {
    func quantizers(_ value: ValueID, isRectified: Bool) -> [Chain] {
      graph.consumers(of: value).compactMap { id in
        graph[id].quant != nil && graph[id].inputs[0] == value
          ? Chain(quantizer: id, isRectified: isRectified) : nil
      }
    }
    var found = quantizers(normalization.output, isRectified: false)
    for id in graph.consumers(of: normalization.output) where graph[id].op.isRectifier {
      guard case let output?? = graph[id].outputs.first else { continue }
      found += quantizers(output, isRectified: true)
    }
    return found
  }

  /// The sums times the sign of their channel's factor.
  private static func flip(_ normalization: NormalizationAffine, in graph: inout Graph) -> ValueID {
    let rank = graph[normalization.output].type?.dimensions?.count ?? 4
    let name = graph[normalization.node].name
    let signs = graph.addConstant(
      name: name + "_signs",
      Tensor(
        normalization.factor.map { $0 < 0 ? Float(-1) : 1 },
        shape: [normalization.factor.count] + [Int](repeating: 1, count: max(rank - 2, 0))))
    return graph.addNode(
      Mul(), name: name + "_rising", inputs: [normalization.input, signs],
      output: name + "_risen", type: graph[normalization.output].type)
  }
}

/// The thresholds of one quantizer behind a normalisation.
private struct Thresholds {
  /// channels x levels, rising along each channel.
  let table: Tensor
  private let parameters: QuantizerParameters

  init(_ normalization: NormalizationAffine, _ parameters: QuantizerParameters, isRectified: Bool) {
    self.parameters = parameters
    let step = Double(parameters.scales[0])
    var table: [Float] = []
    let levels = parameters.limits.lowerBound + 1...parameters.limits.upperBound
    for (factor, shift) in zip(normalization.factor, normalization.shift) {
      for level in levels {
        table.append(
          Self.threshold(level, factor: abs(factor), shift: shift, step: step, isRectified))
      }
    }
    self.table = Tensor(table, shape: [normalization.factor.count, levels.count])
  }

  /// The least float at which `factor * x + shift`, rectified, rounds to `level` steps or more.
  private static func threshold(
    _ level: Int, factor: Double, shift: Double, step: Double, _ isRectified: Bool
  ) -> Float {
    // Half a step below an even level is rounded up to it, below an odd one down from it.
    let isInclusive = level % 2 == 0
    func reaches(_ value: Double) -> Bool {
      let y = (isRectified ? max(value, 0) : value) / step
      return isInclusive ? y >= Double(level) - 0.5 : y > Double(level) - 0.5
    }
    let least = -Float.greatestFiniteMagnitude
    if factor == 0 { return reaches(shift) ? least : .greatestFiniteMagnitude }
    if reaches(-.infinity) { return least }
    let exact = ((Double(level) - 0.5) * step - shift) / factor
    var x = Float(max(min(exact, Double(Float.greatestFiniteMagnitude)), Double(least)))
    // The division and the conversion round; the neighbours decide.
    while x > least, reaches(factor * Double(x.nextDown) + shift) { x = x.nextDown }
    while x < .greatestFiniteMagnitude, !reaches(factor * Double(x) + shift) { x = x.nextUp }
    return x
  }

  func op(rank: Int?) -> MultiThreshold {
    let scale = parameters.scales[0]
    return MultiThreshold(
      outputScale: scale, outputBias: scale * Float(parameters.limits.lowerBound),
      outputType: (parameters.isSigned ? "INT" : "UINT") + "\(parameters.bits)",
      layout: rank == 2 ? "NC" : "NCHW")
  }
}
